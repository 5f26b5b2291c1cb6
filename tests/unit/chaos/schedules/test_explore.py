from itertools import count

import pytest

from chaos.record import Verdict
from chaos.schedules.draw import schedules
from chaos.schedules.explore import explore
from chaos.schedules.schedule import Schedule
from chaos.schedules.trial import Trial
from tests.unit.chaos.schedules.trials import stack, together


def fails_together(one: Schedule) -> str | None:
    return "declared-answers" if together(one, "garbage", "kill") else None


def failing(shrink_s: float, ran: list[Trial] | None = None) -> list[Trial]:
    """Of a stack on which a run takes a second."""
    ticks = count()
    attempt = stack(fails_together, ran)
    return explore(schedules(), attempt, count=16, seeded=2, shrink_s=shrink_s, clock=lambda: float(next(ticks)))


@pytest.mark.parametrize("shrink_s", [10, 1000])
def test_a_schedule_of_which_two_faults_fail_together_shrinks_to_these_two(shrink_s: float) -> None:
    failed = [one for one in failing(shrink_s) if one.verdict is Verdict.FAILED]
    assert failed
    smallest = failed[0].smallest
    assert smallest
    assert len(failed[0].schedule.intervals) > 2
    assert sorted(each.fault["kind"] for each in smallest.intervals) == ["garbage", "kill"]
    assert together(smallest, "garbage", "kill")


def test_as_many_schedules_are_drawn_as_asked_for_however_many_fail() -> None:
    ran: list[Trial] = []
    trials = explore(schedules(), stack(lambda _: "always", ran), count=5, seeded=1, shrink_s=10)
    assert [one.name for one in trials] == ["001", "002", "003", "004", "005"]
    assert all(one.smallest for one in trials)


def test_shrinking_ends_when_its_time_is_over() -> None:
    ran: list[Trial] = []
    trials = failing(3, ran)
    assert len([one for one in ran if "-smaller-" in one.name]) == 3
    assert len(trials) == 16


def test_a_schedule_is_run_once() -> None:
    ran: list[Trial] = []
    failing(1000, ran)
    by_seed = [(one.seed, str(one.schedule)) for one in ran]
    assert len(by_seed) == len(set(by_seed))


def test_a_smaller_schedule_that_fails_otherwise_is_another_failure() -> None:
    def fails(one: Schedule) -> str | None:
        return "lost" if len(one.intervals) > 1 else "slow"

    trials = explore(schedules(), stack(fails), count=6, seeded=4, shrink_s=1000)
    assert any("lost" in one.failed for one in trials)
    for one in trials:
        assert one.smallest
        assert (len(one.smallest.intervals) > 1) is ("lost" in one.failed)


def test_a_run_that_breaks_off_is_no_failing_schedule() -> None:
    ran: list[str] = []

    def attempt(_: Schedule, name: str, __: int) -> Trial:
        ran.append(name)
        raise ConnectionError("the stack is gone")

    with pytest.raises(ConnectionError, match="the stack is gone"):
        explore(schedules(), attempt, count=10, seeded=1, shrink_s=1000)
    assert ran == ["001"]
