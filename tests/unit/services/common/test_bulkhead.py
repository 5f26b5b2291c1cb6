import asyncio

import pytest

from services.common import bulkhead as module
from services.common import deadline
from services.common.bulkhead import Bulkhead, Limit, OverloadedError
from tests.servers import eventually


async def holding(bulkhead: Bulkhead, entered: list[int], until: asyncio.Event, number: int = 0) -> None:
    async with bulkhead:
        entered.append(number)
        await until.wait()


async def test_no_more_calls_run_at_once_than_allowed_and_the_others_follow_in_their_order() -> None:
    bulkhead, entered, until = Bulkhead("t", Limit(2, 10)), list[int](), asyncio.Event()
    calls = [asyncio.create_task(holding(bulkhead, entered, until, number)) for number in range(5)]
    await eventually(lambda: len(entered) == 2)
    await asyncio.sleep(0)
    assert entered == [0, 1]
    until.set()
    await asyncio.gather(*calls)
    assert entered == [0, 1, 2, 3, 4]


async def test_a_full_queue_refuses_at_once() -> None:
    bulkhead, entered, until = Bulkhead("t", Limit(1, 1)), list[int](), asyncio.Event()
    calls = [asyncio.create_task(holding(bulkhead, entered, until, number)) for number in range(2)]
    await eventually(lambda: entered)
    with pytest.raises(OverloadedError, match="1 calls wait for t already") as told:
        async with bulkhead:
            pytest.fail("it was let in")
    assert told.value.response().headers["retry-after"] == "1"
    until.set()
    await asyncio.gather(*calls)
    async with bulkhead:  # it is free again
        pass


async def test_who_waits_too_long_is_refused_and_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    bulkhead, entered, until = Bulkhead("t", Limit(1, 1)), list[int](), asyncio.Event()
    call = asyncio.create_task(holding(bulkhead, entered, until))
    await eventually(lambda: entered)
    for _ in range(2):
        with pytest.raises(OverloadedError, match="did not become free"):
            await holding(bulkhead, entered, until)
    until.set()
    await call
    await holding(bulkhead, entered, until)


async def test_nobody_waits_beyond_the_request_s_time() -> None:
    bulkhead, entered, until = Bulkhead("t", Limit(1, 1)), list[int](), asyncio.Event()
    call = asyncio.create_task(holding(bulkhead, entered, until))
    await eventually(lambda: entered)
    deadline.start(0.01)
    with pytest.raises(OverloadedError):
        await holding(bulkhead, entered, until)
    until.set()
    await call


async def test_a_cancelled_call_frees_its_place() -> None:
    bulkhead, entered, until = Bulkhead("t", Limit(1, 2)), list[int](), asyncio.Event()
    running, waiting = (asyncio.create_task(holding(bulkhead, entered, until, number)) for number in range(2))
    await eventually(lambda: entered)
    await asyncio.sleep(0)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    until.set()
    await asyncio.wait_for(holding(bulkhead, entered, until, 2), 1)
    assert entered == [0, 2]
