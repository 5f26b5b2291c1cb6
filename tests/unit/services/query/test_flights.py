import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.errors import NotFoundError
from services.query.flights import Flights
from tests.servers import eventually


@dataclass
class Computation:
    """Ends when the test says so."""

    begun: int = 0
    cancelled: int = 0
    result: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return await asyncio.shield(self.result)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def shared() -> float:
    return REGISTRY.get_sample_value("flights_shared_total") or 0.0


async def test_those_who_want_the_same_share_one_computation() -> None:
    flights, computation, before = Flights[str](), Computation(), shared()
    waiting = [asyncio.create_task(flights.join("key", computation)) for _ in range(5)]
    await eventually(lambda: computation.begun)
    computation.result.set_result("done")
    assert await asyncio.gather(*waiting) == ["done"] * 5
    assert (computation.begun, shared() - before) == (1, 4)


async def test_another_key_and_a_later_request_compute_anew() -> None:
    flights, computation = Flights[str](), Computation()
    computation.result.set_result("done")
    for key in ("one", "another", "one"):
        await flights.join(key, computation)
    assert computation.begun == 3


async def test_a_failure_is_told_to_all_and_the_next_computes_anew() -> None:
    flights, computation = Flights[str](), Computation()
    waiting = [asyncio.create_task(flights.join("key", computation)) for _ in range(3)]
    await eventually(lambda: computation.begun)
    computation.result.set_exception(NotFoundError("no"))
    assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [NotFoundError] * 3
    computation.result = asyncio.get_running_loop().create_future()
    computation.result.set_result("done")
    assert await flights.join("key", computation) == "done"


async def test_who_leaves_does_not_end_what_others_wait_for_and_the_last_does() -> None:
    flights, computation = Flights[str](), Computation()
    first, second, third = (asyncio.create_task(flights.join("key", computation)) for _ in range(3))
    await eventually(lambda: computation.begun)
    first.cancel()
    third.cancel()
    await asyncio.wait({first, third})
    assert (first.cancelled(), third.cancelled(), computation.cancelled) == (True, True, 0)
    second.cancel()
    await eventually(lambda: computation.cancelled)


async def test_nobody_joins_what_is_being_cancelled() -> None:
    flights, computation = Flights[str](), Computation()
    gone = asyncio.create_task(flights.join("key", computation))
    await eventually(lambda: computation.begun)
    gone.cancel()
    computation.result.set_result("done")  # in the same moment
    assert await flights.join("key", computation) == "done"


async def test_a_computation_that_is_cancelled_from_within_does_not_leave_its_waiters_behind() -> None:
    flights = Flights[str]()

    async def cancelled() -> str:
        raise asyncio.CancelledError

    waiting = asyncio.create_task(flights.join("key", cancelled))
    await asyncio.wait({waiting}, timeout=1)
    assert waiting.cancelled()


async def test_each_waits_within_its_own_time() -> None:
    flights, computation = Flights[str](), Computation()

    async def within(seconds: float | None) -> str:
        deadline.start(seconds)
        return await flights.join("key", computation)

    hurried, patient = asyncio.create_task(within(0.01)), asyncio.create_task(within(None))
    with pytest.raises(DeadlineExceededError):
        await hurried
    assert computation.cancelled == 0  # though the hurried one began it
    computation.result.set_result("done")
    assert await patient == "done"


async def test_a_computation_whose_only_request_is_out_of_time_ends() -> None:
    flights, computation = Flights[str](), Computation()
    deadline.start(0.01)
    with pytest.raises(DeadlineExceededError):
        await flights.join("key", computation)
    await eventually(lambda: computation.cancelled)
