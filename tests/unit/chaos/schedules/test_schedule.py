import pytest

from chaos.faults import Down, FullCache, Kill, Latency, Partition, Pause, Restart
from chaos.schedules.schedule import Interval, problems
from tests.unit.chaos.schedules.trials import interval, schedule


def said(*intervals: Interval) -> str:
    return "; ".join(problems(schedule(*intervals)))


def test_faults_of_different_targets_may_overlap() -> None:
    assert said(interval(Down("query->redis")), interval(FullCache(), 0.5, 2.0), interval(Kill("ollama"), 0.2)) == ""


def test_faults_of_one_target_may_neither_overlap_nor_follow_at_once() -> None:
    first = interval(Kill("redis"), 0.0, 1.0)
    assert said(first, interval(FullCache(), 0.5, 2.0)) == "two faults at once on redis"
    assert said(first, interval(FullCache(), 1.5, 2.0)) == "two faults at once on redis"
    assert said(first, interval(FullCache(), 2.0, 3.0)) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Partition("qdrant-0"), Pause("qdrant-1")),
        (Partition("qdrant-0"), Kill("qdrant-2")),
        (Latency("peers->qdrant-0"), Restart("qdrant-1")),
    ],
)
def test_two_of_three_nodes_may_not_be_away_at_once_unless_both_died(one: Partition, other: Pause) -> None:
    assert "are away at 0.5 s" in said(interval(one, 0.0, 1.0), interval(other, 0.5, 2.0))
    assert said(interval(one, 0.0, 1.0), interval(other, 1.0, 2.0)) == ""


def test_two_nodes_may_be_killed_and_three_may_not() -> None:
    two = [interval(Kill("qdrant-0", stays_down=True)), interval(Restart("qdrant-1"))]
    assert said(*two) == ""
    assert "qdrant-0, qdrant-1, qdrant-2 are away" in said(*two, interval(Kill("qdrant-2")))


def test_one_node_may_suffer_twice() -> None:
    assert said(interval(Partition("qdrant-0")), interval(Pause("qdrant-0"))) == ""


def test_there_are_one_to_five_faults_and_each_has_its_time() -> None:
    assert said() == "0 faults, and 1 to 5 may be"
    assert "6 faults" in said(*(interval(Down(f"query->qdrant-{n % 3}"), 3.0 * n, 3.0 * n + 1) for n in range(6)))
    assert "has no time" in said(interval(FullCache(), 1.0, 1.0))
