import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from services.common.presence import ClientPresent


class Line:
    """The receiving end of a connection."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    def say(self, kind: str) -> None:
        self.messages.put_nowait({"type": kind})


async def test_a_client_that_hangs_up_ends_the_work() -> None:
    line = Line()
    line.say("http.request")  # says nothing about presence
    line.say("http.disconnect")
    with pytest.raises(ClientDisconnect):
        async with ClientPresent(line.messages.get):
            await asyncio.sleep(60)
    current = asyncio.current_task()
    assert current
    assert current.cancelling() == 0
    await asyncio.sleep(0)  # goes on as if nothing had happened


async def test_work_that_is_done_in_time_is_undisturbed_and_unwatched() -> None:
    line = Line()
    async with ClientPresent(line.messages.get):
        await asyncio.sleep(0)
    line.say("http.disconnect")
    await asyncio.sleep(0.002)
    assert line.messages.qsize() == 1
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_of_the_work_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match="work"):
        async with ClientPresent(Line().messages.get):
            raise ValueError("work")


async def test_somebody_elses_cancellation_stands() -> None:
    entered = asyncio.Event()
    line = Line()

    async def work() -> None:
        async with ClientPresent(line.messages.get):
            entered.set()
            await asyncio.sleep(60)

    for hangs_up_too in (False, True):
        task = asyncio.create_task(work())
        await entered.wait()
        entered.clear()
        task.cancel()
        if hangs_up_too:
            line.say("http.disconnect")
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_work_that_ends_in_the_moment_of_hanging_up_leaves_no_cancellation_behind() -> None:
    line = Line()

    async def work() -> None:
        async with ClientPresent(line.messages.get):
            line.say("http.disconnect")
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)  # cleaning up takes a while

    with pytest.raises(ClientDisconnect):
        await work()
    await asyncio.sleep(0.002)
