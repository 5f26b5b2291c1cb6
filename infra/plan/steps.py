"""The steps of an `up`, what each costs, and whether there is memory for them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from infra.manifest import FIELDS, Deployed, Manifest, changes
from infra.plan.effects import while_away
from infra.plan.words import in_words
from infra.targets.docker.container import SLOWER
from infra.topology import BUDGET_MEMORY_MB, topology

Action = Literal["start", "restart", "roll", "run", "reload", "end"]
"""A new component starts; a changed one restarts with a gap or rolls without, or, a job, runs again, or reads new files
as it runs; one that is wanted no more ends."""

DESIGN = topology(observability=True, candidates=True).by_name

PROCESS = frozenset({"runs", "command", "environment", "files", "source", "health"})
CONTAINER = frozenset(FIELDS) - {"live_files", "after"}
"""The fields whose change replaces a component: what a process is started with, and nearly all that a container has."""


class PlanError(RuntimeError):
    """An `up` may not be done; the message says why, and what would do."""


@dataclass(frozen=True)
class Step:
    """What happens to one component."""

    component: str
    action: Action
    why: tuple[str, ...] = ()  # what changed
    down_s: float = 0.0  # seconds for which it does not answer
    measured: bool = False  # whether they are what its last start took; otherwise the most that a start may take
    notice: str = ""  # what users notice meanwhile
    twice_mb: int = 0  # MiB that the old one keeps until the end of the `up`

    @property
    def says(self) -> str:
        """What happens, in words."""
        return _SAYS[self.action]

    @property
    def downtime(self) -> str:
        """The downtime in words."""
        if not self.down_s:
            return "none"
        return f"{'about' if self.measured else 'at most'} {max(1, round(self.down_s))} s"


@dataclass(frozen=True)
class Plan:
    """The steps in the order in which they happen; those that do not wait for each other may do so side by side."""

    stack: str
    steps: tuple[Step, ...]
    extra_mb: int  # the most memory at a time beyond what all need before and after
    left_mb: int  # what the budget leaves for that
    notes: tuple[str, ...]  # what changes for the stack as a whole
    refusals: tuple[str, ...]  # why it may not be done; empty if it may

    def to_json(self) -> dict[str, Any]:
        """It as JSON."""
        return asdict(self)

    def allow(self) -> None:
        """Raise PlanError if it is refused."""
        if self.refusals:
            raise PlanError(f"nothing was touched: {'; '.join(self.refusals)}")

    @property
    def total(self) -> str:
        """All of it in one line."""
        counts = {action: sum(step.action == action for step in self.steps) for action in _TOTALS}
        did = [f"{count} {_TOTALS[action][count > 1]}" for action, count in counts.items() if count]
        if not did:
            return "nothing changes"
        longest = max(self.steps, key=lambda step: step.down_s)
        costs = (
            f"longest downtime {longest.downtime}",
            f"peak extra memory {self.extra_mb:,} MiB of {self.left_mb:,} left",
        )
        return ", ".join((*did, *costs))


_SAYS: Mapping[Action, str] = {
    "start": "starts",
    "restart": "restarts",
    "roll": "is replaced, the new one first",
    "run": "runs again",
    "reload": "reads new files as it runs",
    "end": "ends",
}
_TOTALS: Mapping[Action, tuple[str, str]] = {
    "start": ("component is new", "components are new"),
    "restart": ("component restarts", "components restart"),
    "roll": ("component is replaced without a gap", "components are replaced without a gap"),
    "run": ("job runs again", "jobs run again"),
    "reload": ("component reads new files as it runs", "components read new files as they run"),
    "end": ("component ends", "components end"),
}


def plan(before: Manifest | None, after: Manifest, took: Mapping[str, float] | None = None) -> Plan:
    """What an `up` does to get from the last deployment to the wanted one.

    Args:
        before: None for a stack that is not up, of which everything is new.
        took: seconds that components took to stop and to be healthy again when they last did, by name.
    """
    if before and before.target != after.target:
        words = f"it runs on {before.target} and is to run on {after.target}, on the same ports; `make down` it first"
        return Plan(after.stack, (), 0, BUDGET_MEMORY_MB - _memory(before), (), (words,))
    old = {one.component: one for one in before.components} if before else {}
    steps: list[Step] = []
    for one in after.components:
        rolled = [step.component for step in steps if step.action == "roll"]
        steps += filter(None, [_step(old.get(one.component), one, after, rolled, took or {})])
    names = {one.component for one in after.components}
    steps += [Step(name, "end") for name in reversed(old) if name not in names]
    total = max(_memory(before), _memory(after))
    peak = _peak(before, after, steps)
    return Plan(
        after.stack,
        tuple(steps),
        extra_mb=max(0, peak - total),
        left_mb=BUDGET_MEMORY_MB - total,
        notes=_notes(before, after),
        refusals=_no_memory(peak, steps),
    )


def _step(
    old: Deployed | None, new: Deployed, after: Manifest, rolled: list[str], took: Mapping[str, float]
) -> Step | None:
    if old is None:
        return Step(new.component, "start")
    replacing = PROCESS if after.target == "local" else CONTAINER
    different = [one for one in changes(old, new) if one.field in replacing | {"live_files"}]
    # What rolls has another name afterwards, which those that call it are told.
    told = [other for other in rolled if any(f"//{other}:" in value for value in new.environment.values())]
    routes = [other for other in rolled if new.live_files and other in new.after]
    why = tuple(phrase for one in different for phrase in in_words(one))
    why += tuple(f"calls the new {other}" for other in dict.fromkeys((*told, *routes)))
    if not told and not any(one.field in replacing for one in different):
        return Step(new.component, "reload", why) if why else None
    if new.strategy == "run":
        return Step(new.component, "run", why)
    if new.strategy == "create-first":
        return Step(new.component, "roll", why, twice_mb=memory_mb(old))
    measured = new.component in took
    down_s = took[new.component] if measured else _most_s(new.component, after)
    return Step(new.component, "restart", why, down_s, measured, while_away(new.component, after))


def _most_s(component: str, after: Manifest) -> float:
    """The most seconds that a start of the component may take; then the `up` fails."""
    return DESIGN[component].health.start_s * (1 if after.target == "local" else SLOWER)


def memory_mb(one: Deployed) -> int:
    """The component's limit of memory; the design's where none is enforced, 0 for one that the design does not know."""
    limits = one.limits or (DESIGN[one.component].limits if one.component in DESIGN else None)
    return limits.memory_mb if limits else 0


def _memory(manifest: Manifest | None) -> int:
    return sum(map(memory_mb, manifest.components)) if manifest else 0


def _peak(before: Manifest | None, after: Manifest, steps: list[Step]) -> int:
    """The most MiB at a time. Pulumi ends what is wanted no more, the old ones of a roll too, when all else is done."""
    old = {one.component: memory_mb(one) for one in before.components} if before else {}
    new = {one.component: memory_mb(one) for one in after.components}
    now = peak = sum(old.values())
    for step in steps:
        if step.action != "end":
            now += new[step.component] - (0 if step.action == "roll" else old.get(step.component, 0))
        peak = max(peak, now)
    return peak


def _notes(before: Manifest | None, after: Manifest) -> tuple[str, ...]:
    if before is None or before.replication == after.replication:
        return ()
    words = ["{} copies of a point, {} acknowledge a write".format(*one.replication) for one in (before, after)]
    return (f"{words[0]} → {words[1]}; docs/single-node.md tells what comes first",)


def _no_memory(peak: int, steps: list[Step]) -> tuple[str, ...]:
    over = peak - BUDGET_MEMORY_MB + 1
    if over <= 0:
        return ()
    rolling = sorted((step for step in steps if step.twice_mb), key=lambda step: step.twice_mb)
    names = ", ".join(step.component for step in rolling) or "components"
    return (
        f"old and new {names} together take the stack to {peak:,} MiB, and it has to stay below {BUDGET_MEMORY_MB:,}; "
        f"{_what_fits(rolling, over)}",
    )


def _what_fits(rolling: list[Step], over: int) -> str:
    """The fewest components that have to be replaced with a gap, the smallest that do; smallest first in `rolling`."""
    chosen: list[Step] = []
    while (missing := over - sum(step.twice_mb for step in chosen)) > 0 and rolling:
        enough = [step for step in rolling if step.twice_mb >= missing]
        chosen.append(enough[0] if enough else rolling[-1])
        rolling = [step for step in rolling if step is not chosen[-1]]
    if missing > 0:
        return "`make down` first, then `make up`"
    names = ", ".join(f'"{step.component}"' for step in chosen)
    freed = sum(step.twice_mb for step in chosen)
    return f"with the setting stopFirst: [{names}] it takes {freed:,} MiB less, and they are away while they start"
