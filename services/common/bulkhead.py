"""A bound on what one dependency may hold up: so many calls at once, so many waiting, and no more."""

import asyncio
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from services.common import deadline
from services.common.breaker import NeutralError

WAIT_S = 2.0  # in the queue; who waits longer would be answered too late to be of use

RUNNING = Gauge("bulkhead_running", "Calls to the dependency under way", ["dependency"])
WAITING = Gauge("bulkhead_waiting", "Calls that wait for others to the same dependency", ["dependency"])
SHED = Counter("bulkhead_shed", "Calls refused because too many were waiting, or had waited too long", ["dependency"])


class OverloadedError(NeutralError):
    """Too many calls to the dependency are under way; this one has not been made."""

    headers = {"Retry-After": "1"}  # noqa: RUF012  # as its base class declares it


@dataclass(frozen=True)
class Limit:
    """Calls at once, and calls that may wait for them."""

    concurrent: int
    queue: int


class Bulkhead:
    """`async with bulkhead:` around each call; raises OverloadedError at once when the queue is full."""

    def __init__(self, name: str, limit: Limit) -> None:
        self._name = name
        self._limit = limit
        self._free = asyncio.Semaphore(limit.concurrent)
        self._running = 0
        self._waiting = 0
        self._shed = SHED.labels(name)
        RUNNING.labels(name).set_function(lambda: self._running)
        WAITING.labels(name).set_function(lambda: self._waiting)

    async def __aenter__(self) -> None:
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()  # does not wait
        self._running += 1

    async def _wait(self) -> None:
        if self._waiting >= self._limit.queue:
            self._refuse(f"{self._limit.queue} calls wait for {self._name} already")
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline.within(WAIT_S)):
                await self._free.acquire()
        except TimeoutError:
            self._refuse(f"{self._name} did not become free")
        finally:
            self._waiting -= 1

    def _refuse(self, why: str) -> None:
        self._shed.inc()
        raise OverloadedError(why)

    async def __aexit__(self, *_: object) -> None:
        self._running -= 1
        self._free.release()
