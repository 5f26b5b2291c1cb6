from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Literal, ParamSpec, TypeVar

import pytest

from infra.probes.metrics import UP, Series
from infra.rollout.limits import CRITICAL
from infra.rollout.measurements import Check, Measurements, Replicas, Routing, Traffic
from infra.rollout.measuring import Measuring
from infra.rollout.strategies import Step

P = ParamSpec("P")
T = TypeVar("T")
Release = Literal["stable", "candidate"]
STABLE, CANDIDATE = {"query": "query", "ingestion": "ingestion"}, {"query-next": "query", "ingestion-next": "ingestion"}
IDLE = Step("idle", {"query": 0, "ingestion": 0}, 10.0, ())
HALF = Step("50 %", {"query": 50, "ingestion": 0}, 10.0, ())


class AtOnce(Executor):
    """Has made everything before it says that it makes it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass
class Counters:
    """Components that count requests."""

    requests: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*STABLE, *CANDIDATE], 100))
    down: set[str] = field(default_factory=set)
    lag_s: float = 0.0

    def read(self) -> dict[Series, float]:
        labels = frozenset({("status", "200"), ("route", "/search")})
        up = {Series(name, UP, frozenset()): float(name not in self.down) for name in self.requests}
        counted = {Series(name, "http_requests_total", labels): float(of) for name, of in self.requests.items()}
        buckets = {
            Series(name, "http_request_duration_seconds_bucket", labels | {("le", bound)}): float(of)
            for name, of in self.requests.items()
            for bound in ("0.1", "+Inf")
        }
        return up | {series: value for series, value in (counted | buckets).items() if series.source not in self.down}

    def serve(self, **more: int) -> None:
        for name, of in more.items():
            self.requests[name.replace("_", "-")] += of


@dataclass
class World:
    counters: Counters = field(default_factory=Counters)
    now: float = 0.0
    failing: set[str] = field(default_factory=set)  # as "candidate search"
    took_s: float = 0.0
    tries: list[str] = field(default_factory=list)
    remembered: dict[str, Traffic] = field(default_factory=dict)
    pool: Executor = field(default_factory=AtOnce)

    def measuring(self) -> Measuring:
        return Measuring(
            self.counters,
            STABLE,
            CANDIDATE,
            tried=self.tried,
            probed=lambda _: Routing(4, 0, 0, 0, 0.0),
            replicas=lambda: Replicas(5, 0),
            schema=lambda: None,
            clock=lambda: self.now,
            pool=self.pool,
            baseline=dict(self.remembered),
            remember=self.remembered.update,
        )

    def window(self) -> Callable[[Step, float], Measurements]:
        measuring = self.measuring()
        return lambda step, began: measuring(step, began)[0]

    def tried(self, release: str, function: str) -> list[Check]:
        self.tries.append(tried := f"{release} {function}")
        self.now += self.took_s
        return [Check(function, "candidate" if release == "candidate" else "stable", tried not in self.failing, "")]


def test_a_window_has_what_both_releases_answered_since_it_began() -> None:
    world = World()
    measure = world.window()
    first = measure(HALF, 0.0)
    assert (first.stable, first.candidate) == (_traffic(0), _traffic(0))
    world.counters.serve(query=30, query_next=20, ingestion=50)
    world.now = 10.0
    second = measure(HALF, 0.0)
    assert (second.stable, second.candidate) == (_traffic(30), _traffic(20))
    world.counters.serve(query_next=1)
    assert measure(HALF, 0.0).candidate == _traffic(21)
    assert second.seconds == 10.0


def _traffic(requests: int) -> Traffic:
    one = Traffic(requests, 0, {0.1: requests, float("inf"): 0})
    return Traffic(requests, 0, one.latencies, {"query": one})


def test_the_next_step_counts_anew() -> None:
    world = World()
    measure = world.window()
    measure(IDLE, 0.0)
    world.counters.serve(query=30)
    world.now = 10.0
    measure(IDLE, 0.0)
    fresh = measure(HALF, 10.0)
    assert fresh.stable == _traffic(0)
    assert fresh.checks is not None
    assert len(fresh.checks) == len(CRITICAL)
    assert fresh.routing == Routing(4, 0, 0, 0, 0.0)


def test_the_stable_releases_last_traffic_is_the_baseline_of_the_next_step_also_for_another_engine() -> None:
    world = World()
    measure = world.window()
    measure(IDLE, 0.0)
    world.counters.serve(query=30, ingestion=20)
    assert measure(IDLE, 0.0).baseline is None
    assert measure(HALF, 10.0).baseline == _traffic(30)
    assert world.window()(HALF, 20.0).baseline == _traffic(30)


@pytest.mark.parametrize("killed", [False, True])
def test_a_few_late_requests_are_no_better_baseline(*, killed: bool) -> None:
    world = World()
    measure = world.window()
    measure(IDLE, 0.0)
    world.counters.serve(query=30, ingestion=400)
    measure(IDLE, 0.0)
    measure, world.now = world.window() if killed else measure, 10.0
    measure(HALF, 10.0)
    world.counters.serve(query=2, ingestion=300)
    measure(HALF, 10.0)
    assert {name: part.requests for name, part in world.remembered.items()} == {"query": 30, "ingestion": 300}


def test_counters_that_may_be_older_than_the_step_are_waited_for() -> None:
    world = World(Counters(lag_s=10.0))
    measure = world.measuring()
    seen = []
    for world.now in (0.0, 4.0, 8.0, 12.0, 16.0):
        world.counters.serve(query=5)
        seen.append(measure(HALF, 0.0))
    assert [window.stable for window, _ in seen] == [_traffic(of) for of in (0, 0, 0, 5, 10)]
    assert [recent and recent.stable for _, recent in seen] == [None] * 4 + [_traffic(10)]


def test_what_the_stable_release_answers_where_the_candidate_is_idle_is_told_apart() -> None:
    world = World()
    measure = world.window()
    measure(HALF, 0.0)
    world.counters.serve(query=30, ingestion=20)
    measured = measure(HALF, 0.0)
    assert measured.stable == _traffic(30)
    assert measured.idle is not None
    assert {name: part.requests for name, part in measured.idle.services.items()} == {"ingestion": 20}


def test_what_cannot_be_read_is_unknown_and_the_window_begins_when_it_can() -> None:
    world = World()
    world.counters.down = {"query-next"}
    measure = world.window()
    assert measure(HALF, 0.0).candidate is None
    world.counters.down = set()
    assert measure(HALF, 0.0).candidate == _traffic(0)
    world.counters.serve(query_next=3)
    assert measure(HALF, 0.0).candidate == _traffic(3)


def test_the_stable_release_is_tried_where_the_candidate_fails_and_both_again_at_the_next_look() -> None:
    world = World(failing={"candidate search"})
    measure = world.window()
    measure(HALF, 0.0)
    first = len(world.tries)
    assert sorted(world.tries) == sorted(["stable search", *(f"candidate {function}" for function in CRITICAL)])
    world.took_s = 1.0
    checks = measure(HALF, 0.0).checks
    assert world.tries[first:] == ["candidate search", "stable search"] + [f"candidate {f}" for f in CRITICAL[1:]]
    assert checks is not None
    assert [(check.release, check.passed) for check in checks if check.function == "search"] == [
        ("candidate", False),
        ("stable", True),
    ] * 2


def test_functions_that_work_are_tried_in_a_fifth_of_the_time_at_most() -> None:
    world = World(took_s=0.4)  # all five of them 2.0
    measure = world.window()
    for now in (0.0, 1.0, 4.5, 5.0):
        world.now = now
        measure(HALF, 0.0)
    assert [world.tries.count(f"candidate {function}") for function in CRITICAL] == [2, 2, 2, 2, 2]


def test_the_last_looks_are_measured_by_themselves_once_there_are_enough() -> None:
    world = World()
    measure = world.measuring()
    for now, served in ((0.0, 0), (4.0, 40), (8.0, 8), (12.0, 3)):
        world.now = now
        world.counters.serve(query_next=served)
        window, recent = measure(HALF, 0.0)
        if now < 8:
            assert recent is None
    assert window.candidate == _traffic(51)
    assert recent is not None
    assert (recent.candidate, recent.stable, recent.seconds) == (_traffic(11), _traffic(0), 8.0)
    assert recent.routing == Routing(8, 0, 0, 0, 0.0)
    assert recent.checks == window.checks
    assert measure(HALF, 12.0)[1] is None
