"""What is measured of a step: what the releases counted, critical functions and probes, all since it began."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.probes.metrics import BORN, UP, Snapshot
from infra.rollout.limits import RECENT_LOOKS
from infra.rollout.measurements import Check, Measurements, Replicas, Routing, Schema, Traffic
from infra.rollout.sources import Source, component_of
from infra.rollout.strategies import Step
from infra.rollout.window import between, summed

SPARED = 4
"""What takes long is left out for so many times as long as it took: at most a fifth of the time goes into it."""

Try = Callable[[str, Sequence[str]], list[Check]]
"""Tries the critical functions, all or those that are named, at the "candidate" or the "stable" release."""


@dataclass(frozen=True)
class _Look:
    """What a window that begins with a look counts from."""

    at: float
    counters: Snapshot
    routing: Routing


@dataclass
class Measuring:
    """Measures one step after the other; what adds up is begun anew with each.

    What the engine itself asks of the services is no traffic: it would drown a caller's errors, and make a release that
    nobody calls look healthy. So the counters are read before and after it, and the difference is left out.

    Args:
        stable: the service of each of the stable release's components.
        candidate: that of each of the candidate's.
        baseline: the stable release's last traffic, by service, of an earlier engine.
        remember: takes what is to be the `baseline` of the next engine.
    """

    source: Source
    stable: Mapping[str, str]
    candidate: Mapping[str, str]
    tried: Try
    probed: Callable[[Step, Routing | None], Routing]
    replicas: Callable[[], Replicas | None]
    schema: Callable[[], Schema | None]
    clock: Callable[[], float]
    baseline: Mapping[str, Traffic] = field(default_factory=dict)
    remember: Callable[[Mapping[str, Traffic]], None] = lambda _: None

    def __post_init__(self) -> None:
        self._began: float | None = None
        self._first: Snapshot = {}
        self._last: dict[str, Traffic] = {}
        self._checks: list[Check] = []
        self._looks: list[_Look] = []  # the last ones
        self._routing: Routing | None = None
        self._replicas: Replicas | None = None
        self._check_at = self._compare_at = 0.0

    def __call__(self, step: Step, began: float) -> tuple[Measurements, Measurements | None]:
        """The step since `began`, and, once there are so many, since `RECENT_LOOKS` looks ago."""
        if self._began != began:
            self._begin(began)
        before = self.source.read()
        if not self._is_whole(self._first):  # the window begins when all can be counted
            self._first = before
        self._keep(before)
        self._checks += self._due_checks()
        self._routing = self.probed(step, self._routing)
        after = self.source.read()
        rest = Measurements(
            self.clock() - began,
            baseline=self._baseline(step),
            checks=tuple(self._checks),
            routing=self._routing,
            replicas=self._due_replicas(),
            schema=self.schema(),
        )
        window, recent = self._counted(step, rest, self._first, before), None
        if len(self._looks) == RECENT_LOOKS:
            begin = self._looks[0]
            late = replace(rest, seconds=self.clock() - begin.at, routing=since(begin.routing, self._routing))
            recent = self._counted(step, late, begin.counters, before)
        self._first = without(self._first, before, after)
        looks = [replace(look, counters=without(look.counters, before, after)) for look in self._looks]
        self._looks = [*looks, _Look(self.clock(), after, self._routing)][-RECENT_LOOKS:]
        return window, recent

    def _begin(self, began: float) -> None:
        self._began, self._first = began, {}
        self._checks, self._looks, self._routing, self._replicas = [], [], None, None
        self._check_at = self._compare_at = began
        self.baseline = {**self.baseline, **self._last}

    def _is_whole(self, taken: Snapshot) -> bool:
        up = {component_of(series.source) for series, value in taken.items() if series.name == UP and value}
        return up >= {*self.stable, *self.candidate}

    def _keep(self, now: Snapshot) -> None:
        """What the stable release has answered in this window is the next step's baseline."""
        if everywhere := between(self._first, now, self.stable):
            self._last |= {name: part for name, part in everywhere[0].services.items() if part.requests}
            self.remember({**self.baseline, **self._last})

    def _counted(self, step: Step, rest: Measurements, first: Snapshot, now: Snapshot) -> Measurements:
        """`rest` with both releases' traffic, and the candidate's trips, at the services whose candidate gets some."""
        stable, candidate = (
            between(first, now, {name: service for name, service in each.items() if service in moved(step)})
            for each in (self.stable, self.candidate)
        )
        return replace(
            rest,
            stable=stable and stable[0],
            candidate=candidate and candidate[0],
            trips=candidate and candidate[1],
        )

    def _baseline(self, step: Step) -> Traffic | None:
        parts = {service: self.baseline[service] for service in moved(step) if service in self.baseline}
        return summed(parts) if parts else None

    def _due_checks(self) -> list[Check]:
        """The candidate's, and of those that failed the stable release's: only so they tell whose fault it is."""
        if (began := self.clock()) < self._check_at:
            return []
        checks = self.tried("candidate", ())
        failed = [check.function for check in checks if not check.passed]
        if failed:
            return [*checks, *self.tried("stable", failed)]  # and again at the next look
        self._check_at = self.clock() + SPARED * (self.clock() - began)
        return checks

    def _due_replicas(self) -> Replicas | None:
        if (began := self.clock()) >= self._compare_at:
            self._replicas = self.replicas()
            self._compare_at = self.clock() + SPARED * (self.clock() - began)
        return self._replicas


def moved(step: Step) -> list[str]:
    """The services whose candidate gets traffic; all of the step's while none does."""
    return [service for service, weight in step.weights.items() if weight] or list(step.weights)


def since(before: Routing, now: Routing) -> Routing:
    """The probes of `now` that are not among those `before`."""
    return Routing(
        now.probes - before.probes,
        now.not_routed - before.not_routed,
        now.wrong_release - before.wrong_release,
        now.by_candidate - before.by_candidate,
        now.weight,
    )


def without(first: Snapshot, before: Snapshot, after: Snapshot) -> Snapshot:
    """`first` with what was counted from `before` to `after`, so that it is no part of the window that begins there."""
    grown = {
        series: max(0.0, value - before.get(series, 0.0))
        for series, value in after.items()
        if series.name not in {UP, BORN}
    }
    return {**first, **{series: first.get(series, 0.0) + value for series, value in grown.items() if value}}
