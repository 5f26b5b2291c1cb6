"""Shares one computation among all who want its result at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from prometheus_client import Counter

from services.common import deadline
from services.common.deadline import DeadlineExceededError

SHARED = Counter("flights_shared", "Requests that joined the computation of another one")

T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class Flights(Generic[T]):
    """Computations under way by their key. One whose last waiter has gone is cancelled."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def join(self, key: Hashable, compute: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the computation of that key, which is begun if there is none.

        Raises what the computation raises, and DeadlineExceededError when this request's time is over.
        """
        flight = self._flights.get(key)
        if flight:
            SHARED.inc()
        else:
            flight = self._flights[key] = self._begin(key, compute)
        flight.waiters += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=deadline.left())
        finally:
            flight.waiters -= 1
            if not flight.waiters:
                self._forget(key, flight)  # at once: nobody may join what is being cancelled
                flight.task.cancel()
        if not done:
            raise DeadlineExceededError("the request's time is over")
        return flight.task.result()

    def _begin(self, key: Hashable, compute: Callable[[], Coroutine[Any, Any, T]]) -> _Flight[T]:
        async def unhurried() -> T:
            deadline.start(None)  # the first one's time must not end what others wait for; each minds its own
            return await compute()

        flight = _Flight(asyncio.create_task(unhurried()))
        flight.task.add_done_callback(lambda task: self._land(key, flight, task))
        return flight

    def _land(self, key: Hashable, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        self._forget(key, flight)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
