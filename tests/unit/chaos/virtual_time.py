"""Time that passes only when everybody sleeps, so that a test of minutes takes milliseconds."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

TURNS = 20  # of the event loop, after which what can run has run


class VirtualTime:
    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + max(0.0, seconds), next(self._order), woken))
        await woken

    async def pass_on(self) -> None:
        while True:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if self._sleepers:
                at, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    self.now = max(self.now, at)
                    woken.set_result(None)


@asynccontextmanager
async def virtual_time() -> AsyncIterator[VirtualTime]:
    time = VirtualTime()
    passing = asyncio.create_task(time.pass_on())
    try:
        yield time
    finally:
        passing.cancel()
