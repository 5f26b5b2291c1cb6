import asyncio

import pytest

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.http import timeout


@pytest.fixture(autouse=True)
def _no_budget() -> None:
    deadline.start(None)


def test_without_a_budget_nothing_is_limited() -> None:
    assert (deadline.left(), deadline.over(), deadline.within(3), deadline.headers(None)) == (None, False, 3, {})
    assert timeout(None).total is None


def test_a_budget_is_spent_by_the_time_that_passes() -> None:
    deadline.start(10)
    assert 9 < deadline.within(60) <= 10
    assert deadline.within(3) == 3
    total = timeout(60).total
    assert total
    assert 9 < total <= 10


def test_what_is_handed_on_is_less_than_what_is_waited_for() -> None:
    deadline.start(10)
    assert 2700 <= int(deadline.headers(3)[deadline.HEADER]) <= 2850
    assert 9000 <= int(deadline.headers(None)[deadline.HEADER]) <= 9500


@pytest.mark.parametrize("ask", [lambda: deadline.within(1), lambda: deadline.headers(None), lambda: timeout(1)])
def test_when_the_time_is_over_nothing_is_begun(ask: object) -> None:
    deadline.start(-1)
    assert deadline.over()
    assert callable(ask)
    with pytest.raises(DeadlineExceededError) as told:
        ask()
    assert told.value.status == 503


async def test_the_tasks_of_a_request_share_its_budget_and_other_requests_do_not() -> None:
    async def left() -> float | None:
        return deadline.left()

    async def other() -> float | None:
        deadline.start(1)
        return deadline.left()

    deadline.start(10)
    mine, others = await asyncio.gather(asyncio.create_task(left()), asyncio.create_task(other()))
    assert mine
    assert others
    assert mine > 9
    assert others <= 1
    assert (deadline.left() or 0) > 9
