"""Starts things at the times intended for them, whatever became of those that were started before."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain, count, takewhile
from random import Random
from typing import Any, Self

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]


def steps(rate: float, *, begin: float = 0.0, jitter: float = 0.0, seed: int = 0) -> Iterator[float]:
    """The intended times of `rate` starts a second from `begin` on, without end.

    Each is moved at random by at most half of `jitter` (0 to 1) of the time between two, which keeps their order.
    """
    if rate <= 0 or not 0 <= jitter <= 1:
        raise ValueError(f"a rate of {rate} with a jitter of {jitter} is none")
    random = Random(seed)  # noqa: S311 - a run has to be repeatable, not unpredictable
    for number in count():
        yield begin + (number + jitter * (random.random() - 0.5) + jitter / 2) / rate


class OpenLoop:
    """Calls `work(number, intended)` at each of the times while its context lasts.

    A start waits for no earlier work unless `most` are under way; then it comes late, but it comes. At the end, work
    under way gets `grace_s` and is cancelled then; a start that was due but never came is given to `missed`.
    What `work` raises is raised at the end, unless the context's body has raised something itself.
    """

    def __init__(
        self,
        times: Iterable[float],
        work: Callable[[int, float], Awaitable[None]],
        *,
        missed: Callable[[int, float], None],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        most: int = 1000,
        grace_s: float = 0.0,
    ) -> None:
        self._due = enumerate(times)
        self._work, self._missed = work, missed
        self._clock, self._sleep = clock, sleep
        self._slots = asyncio.Semaphore(most)
        self._grace_s = grace_s
        self._late: list[tuple[int, float]] = []  # what waits for its time, or for a slot
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._starter: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._starter = asyncio.create_task(self._start_all())
        return self

    async def __aexit__(self, raised: object = None, *_: object) -> None:
        assert self._starter
        now = self._clock()
        # What is due, and only waits for its turn, still begins.
        while self._late and self._late[0][1] <= now and not self._slots.locked() and not self._starter.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        await _end(self._starter)
        for number, intended in takewhile(lambda due: due[1] <= now, chain(self._late, self._due)):
            self._missed(number, intended)
        await self._drain()
        if self._failures and raised is None:
            raise self._failures[0]

    async def finished(self) -> None:
        """Wait until all times have passed and all work is done."""
        assert self._starter
        await self._starter
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _start_all(self) -> None:
        for number, intended in self._due:
            self._late = [(number, intended)]
            while (early := intended - self._clock()) > 0:
                await self._sleep(early)
            await self._slots.acquire()
            self._late = []
            task = asyncio.create_task(self._one(number, intended))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, number: int, intended: float) -> None:
        try:
            await self._work(number, intended)
        except Exception as error:  # noqa: BLE001 - whatever it is, the end raises it
            self._failures.append(error)
        finally:
            self._slots.release()

    async def _drain(self) -> None:
        limit = asyncio.ensure_future(self._sleep(self._grace_s))
        while self._tasks and not limit.done():
            await asyncio.wait({limit, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in (limit, *self._tasks):
            await _end(task)


async def _end(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
