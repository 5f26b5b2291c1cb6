"""The load of an experiment: requests at intended times, each recorded, while faults come and go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from random import Random
from typing import Self

from chaos.client import lost
from chaos.openloop import Clock, OpenLoop, Sleep
from chaos.operations import Ask, Operation
from chaos.record import Request

LATE_S = 0.1  # a start later than this has disturbed the load's rhythm

Send = Callable[[int, Ask, float], Awaitable[Request]]
"""`Client.ask`: number, what to ask, intended start."""


def repeated(operation: Operation, questions: Sequence[str], **values: str) -> Iterator[Ask]:
    """The questions again and again: after the first round a cache may know them."""
    for question in cycle(questions):
        yield Ask(operation, {"question": question, **values})


def distinct(operation: Operation, questions: Sequence[str], *, run: str, **values: str) -> Iterator[Ask]:
    """The questions, each time with another number, so that no cache can know them; `run` tells runs apart."""
    for question, number in zip(cycle(questions), count(), strict=False):
        yield Ask(operation, {"question": f"{question} ({run}-{number})", **values})


def always(operation: Operation, **values: str) -> Iterator[Ask]:
    """The same request without end."""
    while True:
        yield Ask(operation, values)


def mixed(weights: Mapping[str, float], sources: Mapping[str, Iterator[Ask]], *, seed: int) -> Iterator[Ask]:
    """Requests from the named sources, drawn by weight."""
    random = Random(seed)  # noqa: S311 - a run has to be repeatable, not unpredictable
    names, shares = list(weights), list(weights.values())
    while True:
        yield next(sources[random.choices(names, shares)[0]])


@dataclass(frozen=True)
class Pace:
    """How well a load kept to its intended times."""

    requests: int
    late: int  # starts more than LATE_S after their time
    worst_s: float  # the latest start
    rate: float  # the rate of starts that was achieved to the one intended; 1 is all of it


def pace(requests: Iterable[Request]) -> Pace:
    """The pace of at least two requests; raises ValueError for fewer."""
    ordered = sorted(requests, key=lambda request: request.intended)
    if len(ordered) < 2:
        raise ValueError("a pace needs two requests")
    behind = [request.started - request.intended for request in ordered]
    wanted_s = ordered[-1].intended - ordered[0].intended
    taken_s = max(request.started for request in ordered) - ordered[0].intended
    rate = wanted_s / taken_s if taken_s > 0 else 1.0
    return Pace(len(ordered), sum(seconds > LATE_S for seconds in behind), max(behind), min(1.0, rate))


class Load:
    """Sends requests while its context lasts; `requests` has those that have ended, in the order of their ends.

    At the end every start that was due is in `requests`: one that is still under way after `grace_s`, or that waited
    for others to end, as lost. `times` may end, and then so do the requests; `finished` waits for that.
    """

    def __init__(
        self,
        times: Iterable[float],
        asks: Iterator[Ask],
        send: Send,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        most: int = 1000,
        grace_s: float = 15.0,
    ) -> None:
        self.requests: list[Request] = []
        self._under_way: dict[int, float] = {}
        self._asks, self._send, self._clock = asks, send, clock
        self._loop = OpenLoop(times, self._one, missed=self._miss, clock=clock, sleep=sleep, most=most, grace_s=grace_s)

    async def __aenter__(self) -> Self:
        await self._loop.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._loop.__aexit__(*raised)

    @property
    def oldest(self) -> float | None:
        """The intended start of the oldest request under way; None where none is."""
        return min(self._under_way.values(), default=None)

    async def finished(self) -> None:
        """Wait until all times have passed and every request has ended."""
        await self._loop.finished()

    async def _one(self, number: int, intended: float) -> None:
        ask, started = next(self._asks), self._clock()
        self._under_way[number] = intended
        try:
            request = await self._send(number, ask, intended)
        except asyncio.CancelledError:
            why = "the load ended before the answer"
            self.requests.append(lost(number, ask, intended, started, ended=self._clock(), why=why))
            raise
        finally:
            del self._under_way[number]
        self.requests.append(request)

    def _miss(self, number: int, intended: float) -> None:
        now = self._clock()
        why = "never begun: too many were under way"
        self.requests.append(lost(number, next(self._asks), intended, now, ended=now, why=why))
