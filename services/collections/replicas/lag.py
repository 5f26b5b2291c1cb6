"""Measures how far each node is behind: writes a marker again and again, and watches each node until it shows it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from services.collections.replicas import COLLECTION
from services.collections.replicas.follower import Follower, Marker
from services.collections.replicas.metrics import LAG, MARKERS, STATE
from services.collections.replicas.node import ABSENT, ACTIVE, Node, NodeUnavailableError
from services.common.errors import NotFoundError, ServiceError
from services.common.qdrant import Point, Qdrant

MARKER = 0
"""The id of the collection's only point."""
AGAIN_S = 0.5  # before a node that did not show a marker is looked at once more
OVERDUE = 1.5  # intervals after which a node is looked at though no marker has been acknowledged
UNREACHABLE = "unreachable"

log = logging.getLogger(__name__)

Step = Callable[[], Awaitable[None]]


class Lag:
    """Measures while its steps are repeated; in each interval one writes, and the others read twice at each node.

    A node that lacks the marker is read three times.
    """

    def __init__(self, nodes: Sequence[Node], qdrant: Qdrant, interval_s: float) -> None:
        self._qdrant = qdrant
        self._interval_s = interval_s
        self._watched = [(node, Follower(time.monotonic()), asyncio.Event()) for node in nodes]
        self._outcome = ""

    def steps(self) -> list[Step]:
        """What is to be repeated, side by side; publishes the lag from now on."""
        for node, follower, _ in self._watched:
            LAG.labels(node.name).set_function(partial(_lag_now, follower))
        return [self._write, *(partial(self._watch, *watched) for watched in self._watched)]

    async def _write(self) -> None:
        number = time.time_ns()  # higher than those before, also after a restart
        try:
            await self._put(Point(MARKER, [1.0], {"number": number}))
        except ServiceError as error:
            self._note("refused", error.detail)
        else:
            self._note("acknowledged")
            marker = Marker(number, time.monotonic())
            for _, follower, news in self._watched:
                follower.acknowledged(marker)
                news.set()
        await asyncio.sleep(self._interval_s)

    async def _put(self, marker: Point) -> None:
        """Write on the way of every other write; makes the collection if there is none."""
        try:
            await self._qdrant.upsert(COLLECTION, [marker])
        except NotFoundError:
            await self._qdrant.ensure_collection(COLLECTION, size=1)
            await self._qdrant.upsert(COLLECTION, [marker])

    def _note(self, outcome: str, reason: str | None = None) -> None:
        MARKERS.labels(outcome).inc()
        if outcome != self._outcome:
            self._outcome = outcome
            log.log(logging.WARNING if reason else logging.INFO, "marker %s", outcome, extra={"reason": reason})

    async def _watch(self, node: Node, follower: Follower, news: asyncio.Event) -> None:
        """Wait for a marker, if it is not overdue, and see what the node shows."""
        with suppress(TimeoutError):
            async with asyncio.timeout(OVERDUE * self._interval_s):
                await news.wait()
        news.clear()
        number = 0
        try:
            number = await _shown(node)
            if follower.lacks(number):
                await asyncio.sleep(min(AGAIN_S, self._interval_s / 2))
                number = await _shown(node)
            state = await node.state(COLLECTION)  # afterwards: only now it is known whose marker that was
        except NodeUnavailableError:
            state = UNREACHABLE
        except NotFoundError:
            state = ABSENT
        if state != follower.state:
            _note_state(node.name, follower.state, state)
            follower.state = state
        if state == ACTIVE:
            follower.shows(number, time.monotonic())


def _lag_now(follower: Follower) -> float:
    return follower.lag(time.monotonic())


async def _shown(node: Node) -> int:
    """The number of the marker at the node, 0 if it has none."""
    return max((int(point.payload.get("number", 0)) for point in await node.points(COLLECTION, [MARKER])), default=0)


def _note_state(node: str, before: str, now: str) -> None:
    STATE.labels(node, before).set(0)
    STATE.labels(node, now).set(1)
    log.log(logging.INFO if now == ACTIVE else logging.WARNING, "replica is %s", now, extra={"node": node})
