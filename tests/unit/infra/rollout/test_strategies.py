import re
from collections.abc import Sequence

import pytest

from infra.rollout.strategies import ALL, BASELINE, CANARY, DIRECT, STRATEGIES, StrategyError, steps
from infra.rollout.triggers import TRIGGERS
from infra.topology import RELEASED, topology


def moves(strategy: str, services: Sequence[str] = RELEASED, weights: Sequence[int] = CANARY) -> list[dict[str, int]]:
    return [dict(step.weights) for step in steps(strategy, services, 60, weights)]


def test_rolling_moves_one_service_after_another_and_looks_at_each_before_it_has_callers() -> None:
    assert moves("rolling", ("query", "ingestion")) == [
        {"ingestion": 0},
        {"ingestion": 100},
        {"ingestion": 100, "query": 0},
        {"ingestion": 100, "query": 100},
    ]


def test_blue_green_moves_everything_at_once() -> None:
    assert moves("blue-green") == [dict.fromkeys(RELEASED, 0), dict.fromkeys(RELEASED, 100)]


def test_a_canary_gets_more_and_more() -> None:
    assert [set(step.values()) for step in moves("canary")] == [{0}, {10}, {50}, {100}]
    assert [set(step.values()) for step in moves("canary", weights=(25, 100))] == [{0}, {25}, {100}]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_ends_with_all_traffic_at_the_candidates_and_judged_by_every_trigger(strategy: str) -> None:
    *_, last = steps(strategy, RELEASED, 60)
    assert (last.weights, last.bake_s, set(last.triggers)) == (dict.fromkeys(RELEASED, 100), 60, set(TRIGGERS))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_is_judged_by_traffic_that_it_does_not_get(strategy: str) -> None:
    for step in steps(strategy, RELEASED, 60):
        idle = {service for service, weight in step.weights.items() if not weight}
        assert set(step.triggers) - {BASELINE} == set(DIRECT if idle == set(step.weights) else ALL)
        assert (BASELINE in step.triggers) == bool(idle)


def test_a_service_comes_after_those_that_it_asks() -> None:
    asks = {(edge.consumer, edge.dependency) for edge in topology().edges}
    for number, service in enumerate(RELEASED):
        assert not {later for later in RELEASED[number:] if (service, later) in asks}


@pytest.mark.parametrize(
    ("strategy", "services", "bake_s", "weights", "said"),
    [
        ("sudden", RELEASED, 60, CANARY, "no strategy is called 'sudden'; there are rolling, blue-green, canary"),
        ("canary", ("query", "kong"), 60, CANARY, "'kong' has no release; there are ingestion, query"),
        ("canary", (), 60, CANARY, "name a service at least"),
        ("canary", RELEASED, 0, CANARY, "not 0"),
        ("canary", RELEASED, 60, (10, 50), "to 100 percent"),
        ("canary", RELEASED, 60, (50, 10, 100), "to 100 percent"),
        ("canary", RELEASED, 60, (0, 100), "to 100 percent"),
        ("canary", RELEASED, 60, (), "to 100 percent"),
    ],
)
def test_what_cannot_be_is_refused_with_what_there_is(
    strategy: str, services: Sequence[str], bake_s: float, weights: Sequence[int], said: str
) -> None:
    with pytest.raises(StrategyError, match=re.escape(said)):
        steps(strategy, services, bake_s, weights)
