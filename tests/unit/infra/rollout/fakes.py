"""A stack, a disk and a clock in memory, each call of which can be the last one of an engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from infra.rollout.deployment import Desired, RolloutError
from infra.rollout.engine import Surroundings
from infra.rollout.journal import Entry
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Measurements
from infra.rollout.state import Plan, State
from infra.rollout.strategies import Step

BEFORE = Desired("one")
STEPS = tuple(
    Step(f"to {weight} %", {"query": weight, "ingestion": weight}, 10.0, ("errors",)) for weight in (0, 10, 100)
)
PLAN = Plan("id", "local", "canary", "two", BEFORE, STEPS, 0.0, interval_s=4.0, extensions=1)


class KilledError(BaseException):
    """The engine is gone, as by kill -9."""


@dataclass
class Fate:
    """Counts what happens, and ends the engine with the n-th thing that does."""

    at: int = 0  # never
    happened: int = 0

    def __call__(self) -> None:
        self.happened += 1
        if self.happened == self.at:
            raise KilledError


@dataclass
class FakeDeployment:
    """What the settings say, and what really runs: an engine can be killed between the two."""

    fate: Fate = field(default_factory=Fate)
    settings: Desired = BEFORE
    running: Desired = BEFORE
    migrations: set[str] = field(default_factory=set)
    fails: Callable[[str], bool] = lambda _: False
    applied: list[Desired] = field(default_factory=list)
    outdated: bool = False

    def desired(self) -> Desired:
        self.fate()
        return self.settings

    def apply(self, desired: Desired) -> None:
        self.fate()
        self.settings = desired
        self.fate()
        self._fail(f"apply {desired.release} {desired.candidate}")
        self.running = desired
        self.applied.append(desired)
        self.fate()

    def migrate(self, release: str) -> None:
        self.fate()
        self.migrations.add(release)
        self.fate()
        self._fail("migrate")

    def migrate_back(self, release: str) -> None:
        self.fate()
        self._fail("migrate back")
        self.migrations.discard(release)
        self.fate()

    def outdate_answers(self) -> None:
        self.fate()
        self._fail("outdate")
        self.outdated = True
        self.fate()

    def _fail(self, what: str) -> None:
        if self.fails(what):
            raise RolloutError(f"no {what}")


Verdicts = Callable[[int, float], Verdict]
"""What the trigger says, by the step's weight and the seconds since it began."""


def always(verdict: Verdict) -> Verdicts:
    return lambda _weight, _seconds: verdict


@dataclass
class World:
    """Everything around an engine; `engine` makes a fresh one's surroundings, as after a restart."""

    plan: Plan = PLAN
    verdicts: Verdicts = field(default_factory=lambda: always(Verdict.HEALTHY))
    deployment: FakeDeployment = field(default_factory=FakeDeployment)
    now: float = 0.0
    stops: bool = False
    entries: list[Entry] = field(default_factory=list)
    measuring: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.stored = State(self.plan)

    def engine(self, kill_at: int = 0) -> Surroundings:
        fate = self.deployment.fate = Fate(kill_at)

        def measure(_step: Step, began: float) -> tuple[Measurements, None]:
            fate()
            self.measuring()
            return Measurements(self.now - began), None

        def judge(step: Step, measured: Measurements, _: Measurements | None) -> Sequence[Judgement]:
            fate()
            if measured.schema:
                return [Judgement("migration", Verdict.UNHEALTHY, None, 0.0, measured.schema.failure)]
            verdict = self.verdicts(max(step.weights.values()), measured.seconds)
            return [Judgement(name, verdict, 0.5, 1.0, f"is {verdict}") for name in step.triggers]

        def save(state: State) -> None:
            fate()
            self.stored = state
            fate()

        def note(entry: Entry) -> None:
            fate()
            self.entries.append(entry)

        def wait(seconds: float) -> bool:
            fate()
            self.now += seconds
            return self.stops

        return Surroundings(
            self.deployment, measure, judge, save, note, clock=lambda: self.now, wait=wait, wall=lambda: self.now
        )

    def is_as_before(self) -> bool:
        return self._is(self.plan.before) and not self.deployment.migrations

    def is_promoted(self) -> bool:
        return self._is(Desired(self.plan.release)) and self.deployment.migrations == {self.plan.release}

    def _is(self, desired: Desired) -> bool:
        return self.deployment.settings == self.deployment.running == desired


def with_confirmation(plan: Plan = PLAN) -> Plan:
    return replace(plan, confirm=True)
