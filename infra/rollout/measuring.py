"""What is measured of a step: what the releases counted, critical functions and probes, all since it began."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from infra.probes.metrics import UP, Snapshot
from infra.rollout.aside import Aside
from infra.rollout.limits import CRITICAL, LIMITS, RECENT_LOOKS
from infra.rollout.measurements import Check, Measurements, Replicas, Routing, Schema, Traffic
from infra.rollout.sources import Source, component_of
from infra.rollout.strategies import Step
from infra.rollout.window import between, summed

T = TypeVar("T")

SPARED = 4
"""What takes long is left out for so many times as long as it took: at most a fifth of the time goes into it."""

Try = Callable[[str, str], list[Check]]
"""Tries a critical function at the "candidate" or the "stable" release; nothing where that tells nothing."""


@dataclass(frozen=True)
class _Look:
    """What a window that begins with a look counts from."""

    at: float
    counters: Snapshot
    routing: Routing | None


@dataclass
class Measuring:
    """Measures one step after the other; what adds up is begun anew with each.

    A look is to be short, so that what it sees of callers is judged at once. So the critical functions, the probes and
    the comparison of the replicas are made aside.

    Args:
        stable: the service of each of the stable release's components.
        candidate: that of each of the candidate's.
        baseline: the stable release's last traffic, by service, of an earlier engine.
        remember: takes what is to be the `baseline` of the next engine.
        pool: makes what is made aside.
    """

    source: Source
    stable: Mapping[str, str]
    candidate: Mapping[str, str]
    tried: Try
    probed: Callable[[Step], Routing]
    replicas: Callable[[], Replicas | None]
    schema: Callable[[], Schema | None]
    clock: Callable[[], float]
    pool: Executor
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
        # Each by itself: one that hangs is not to hide that another one fails.
        self._trying = [self._aside(partial(self._tries, function), _spared) for function in CRITICAL]
        self._comparing = self._aside(self.replicas, lambda _: SPARED)

    def __call__(self, step: Step, began: float) -> tuple[Measurements, Measurements | None]:
        """The step since `began`, and, once there are so many, since `RECENT_LOOKS` looks ago."""
        if self._began != began:
            self._begin(step, began)
        now, counters = self.clock(), self.source.read()
        if not self._is_whole(self._first) or now - began < self.source.lag_s:
            self._first, self._looks = counters, []  # the window begins when all can be counted, as they are since
        self._keep(counters)
        self._take()
        rest = Measurements(
            now - began,
            baseline=_sum(self.baseline, moved(step)),
            idle=_sum(self._known, [service for service, weight in step.weights.items() if not weight]),
            checks=tuple(self._checks) or None,
            routing=self._routing,
            replicas=self._replicas,
            schema=self.schema(),
        )
        window, recent = self._counted(step, rest, self._first, counters), None
        if len(self._looks) == RECENT_LOOKS:
            begin = self._looks[0]
            routing = self._routing - begin.routing if self._routing and begin.routing else self._routing
            late = replace(rest, seconds=now - begin.at, routing=routing)
            recent = self._counted(step, late, begin.counters, counters)
        self._looks = [*self._looks, _Look(now, counters, self._routing)][-RECENT_LOOKS:]
        return window, recent

    def _aside(self, make: Callable[[], T], spared: Callable[[T], float]) -> Aside[T]:
        return Aside(make, self.pool, self.clock, spared)

    def _begin(self, step: Step, began: float) -> None:
        self._began, self._first = began, {}
        self._checks, self._looks, self._routing, self._replicas = [], [], None, None
        for trying in self._trying:
            trying.anew()
        self._comparing.anew()
        self._probing = self._aside(lambda: self.probed(step), lambda _: 0)
        self.baseline = self._known

    def _is_whole(self, taken: Snapshot) -> bool:
        up = {component_of(series.source) for series, value in taken.items() if series.name == UP and value}
        return up >= {*self.stable, *self.candidate}

    def _keep(self, now: Snapshot) -> None:
        """What the stable release has answered in this window is the next step's baseline."""
        if everywhere := between(self._first, now, self.stable):
            for name, part in everywhere[0].services.items():
                kept = self._known.get(name)
                if part.requests >= (min(LIMITS.least_baseline, kept.requests) if kept else 1):
                    self._last[name] = part
            self.remember(self._known)

    @property
    def _known(self) -> Mapping[str, Traffic]:
        """The stable release's last traffic of each service that tells enough."""
        return {**self.baseline, **self._last}

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

    def _take(self) -> None:
        """What has come from aside since the last look."""
        for trying in self._trying:
            for checks in trying.came():
                self._checks += checks
        for routing in self._probing.came():
            self._routing = self._routing + routing if self._routing else routing
        for replicas in self._comparing.came():
            self._replicas = replicas

    def _tries(self, function: str) -> list[Check]:
        """The candidate's, and where that failed the stable release's: only so they tell whose fault it is."""
        checks = self.tried("candidate", function)
        return checks if _passed(checks) else [*checks, *self.tried("stable", function)]


def _sum(known: Mapping[str, Traffic], services: Sequence[str]) -> Traffic | None:
    """The traffic of those of the services that is known."""
    parts = {service: known[service] for service in services if service in known}
    return summed(parts) if parts else None


def moved(step: Step) -> list[str]:
    """The services whose candidate gets traffic; all of the step's while none does."""
    return [service for service, weight in step.weights.items() if weight] or list(step.weights)


def _spared(checks: Sequence[Check]) -> float:
    """What has failed is tried again at once."""
    return SPARED if _passed(checks) else 0.0


def _passed(checks: Sequence[Check]) -> bool:
    return all(check.passed for check in checks)
