"""Compare two runs: what got worse, what got better, what came and went. Exits with 1 if something got worse.

The same experiment in both is compared by
  verdict    its own, its clean-up's and each check's that both have
  errors     the share of requests that were unavailable, error or lost, for each phase (before, during and after
             the faults): more than 2 percentage points and three standard errors apart
  latency    p50, p95 and p99 for each phase: more than 25 % and 20 ms apart, if in both runs at least five
             requests were slower than the quantile
  recovery   seconds until the answers were good again: more than 25 % and 1 s apart, or no longer seen
All else is noise. An experiment that is gone is a loss, unless one of the runs was quick and the other full.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.record import Verdict
from chaos.scorecard.measures import QUANTILES, Phase
from chaos.scorecard.summary import Experiment, Summary
from chaos.scorecard.terminal import plain
from infra.pages.text import duration, plural

PHASES = ("before", "during", "after")
RELATIVE = 0.25
LATENCY_S, RECOVERY_S = 0.020, 1.0
SHARE, STANDARD_ERRORS = 0.02, 3
BEYOND = 5  # requests that must lie beyond a quantile, or it is one request's luck


class Way(IntEnum):
    """Which way a change went; the order in which changes are shown."""

    WORSE = 0
    BETTER = 1
    NEITHER = 2


@dataclass(frozen=True)
class Change:
    """What differs between two runs, in words."""

    way: Way
    experiment: str
    what: str
    before: str
    after: str

    @property
    def worse(self) -> bool:
        """Whether it is a reason to look."""
        return self.way is Way.WORSE


def diff(before: Summary, after: Summary) -> list[Change]:
    """Every change beyond noise, the worse ones first, in the order of the experiments."""
    old = {experiment.name: experiment for experiment in before.experiments}
    new = {experiment.name: experiment for experiment in after.experiments}
    changes = []
    for name in {**old, **new}:
        if name not in new:
            lost = Way.WORSE if before.run.quick == after.run.quick else Way.NEITHER
            changes.append(Change(lost, name, "experiment", old[name].verdict, "gone"))
        elif name not in old:
            changes.append(Change(Way.NEITHER, name, "experiment", "not there", new[name].verdict))
        else:
            changes += _between(old[name], new[name])
    return sorted(changes, key=lambda change: change.way)


def _between(old: Experiment, new: Experiment) -> Iterator[Change]:
    yield from _verdicts(old, new)
    yield from _recovery(old, new)
    for phase in PHASES:
        if phase in old.phases and phase in new.phases:
            yield from _errors(old.name, phase, old.phases[phase], new.phases[phase])
            yield from _latency(old.name, phase, old.phases[phase], new.phases[phase])


def _verdicts(old: Experiment, new: Experiment) -> Iterator[Change]:
    was, is_ = _by_check(old), _by_check(new)
    order = list(Verdict)
    for what in was:
        if what in is_ and was[what] != is_[what]:
            worse = order.index(is_[what]) > order.index(was[what])
            yield Change(_way(worse), old.name, what, was[what], is_[what])


def _by_check(experiment: Experiment) -> dict[str, Verdict]:
    verdicts = {"verdict": experiment.verdict, "clean-up": experiment.clean_up.verdict}
    checks = dict.fromkeys(finding.check for finding in experiment.findings)
    return verdicts | {
        f"check: {check}": Verdict.worst(finding.verdict for finding in experiment.findings if finding.check == check)
        for check in checks
    }


def _recovery(old: Experiment, new: Experiment) -> Iterator[Change]:
    was, is_ = old.recovery_s, new.recovery_s
    if not (old.windows and new.windows) or was == is_:
        return
    if was is None or is_ is None or _apart(was, is_, RECOVERY_S):
        worse = is_ is None or (was is not None and is_ > was)
        said = ["not seen" if value is None else duration(value) for value in (was, is_)]
        yield Change(_way(worse), old.name, "recovery", *said)


def _errors(name: str, phase: str, old: Phase, new: Phase) -> Iterator[Change]:
    was, is_ = old.error_share, new.error_share
    pooled = (was * old.requests + is_ * new.requests) / (old.requests + new.requests)
    error = math.sqrt(pooled * (1 - pooled) * (1 / old.requests + 1 / new.requests))
    if abs(is_ - was) > max(SHARE, STANDARD_ERRORS * error):
        yield Change(_way(is_ > was), name, f"errors {phase}", f"{was:.1%}", f"{is_:.1%}")


def _latency(name: str, phase: str, old: Phase, new: Phase) -> Iterator[Change]:
    for quantile, share in QUANTILES.items():
        was, is_ = old.quantiles[quantile], new.quantiles[quantile]
        enough = min(old.requests, new.requests) * (1 - share) >= BEYOND - 1e-9
        if enough and _apart(was, is_, LATENCY_S):
            yield Change(_way(is_ > was), name, f"{quantile} {phase}", duration(was), duration(is_))


def _apart(was: float, is_: float, least: float) -> bool:
    """Whether two values differ by more than the least and by more than a quarter of the smaller one."""
    return abs(is_ - was) > max(least, RELATIVE * min(was, is_))


def _way(worse: bool) -> Way:
    return Way.WORSE if worse else Way.BETTER


def show(before: Summary, after: Summary, changes: Sequence[Change], console: Console) -> None:
    """Print the changes, after what makes the two runs hard to compare."""
    console.print(plain(f"{before.run.id} → {after.run.id}"), style="bold")
    for said in _unlike(before, after):
        console.print(plain(f"not like for like: {said}"), style="yellow")
    if not changes:
        console.print("no change beyond noise", style="green")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("", "experiment", "what", "before", "after"):
        table.add_column(title, overflow="fold")
    for change in changes:
        colour = {Way.WORSE: "red", Way.BETTER: "green", Way.NEITHER: "dim"}[change.way]
        word = Text("" if change.way is Way.NEITHER else change.way.name.lower(), style=colour)
        table.add_row(word, *map(plain, (change.experiment, change.what, change.before, change.after)))
    console.print(table)
    worse = sum(change.worse for change in changes)
    console.print(plain(f"{plural(worse, 'change')} for the worse"), style="bold red" if worse else "green")


def _unlike(before: Summary, after: Summary) -> Iterator[str]:
    old, new = before.run, after.run
    if old.quick != new.quick:
        yield f"{'quick' if old.quick else 'full'}, then {'quick' if new.quick else 'full'}"
    if old.seed != new.seed:
        yield f"seed {old.seed}, then {new.seed}"
    for component in {**old.stack, **new.stack}:
        ran, runs = old.stack.get(component, "nothing"), new.stack.get(component, "nothing")
        if ran != runs:
            yield f"{component} was {ran}, then {runs}"
