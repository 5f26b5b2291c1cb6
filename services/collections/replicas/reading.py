"""Reads all nodes' replicas side by side, as long as they are their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.collections.replicas.difference import order
from services.collections.replicas.node import ACTIVE, Held, Id, Node, NodeUnavailableError, Page
from services.common.errors import NotFoundError

PAGE = 128  # points; about 1 MB with 384 dimensions

Contents = dict[Id, dict[str, Held]]
"""By id, then by node: what those nodes hold that have the point."""

T = TypeVar("T")


@dataclass
class Replica:
    """One node's copy in a check."""

    node: str
    state: str = "unknown"
    problem: str | None = None  # why it cannot be compared
    points: int = 0


class Reading:
    """The nodes that can be read; one that fails to answer, or is not Active, drops out of it for good."""

    def __init__(self, nodes: Sequence[Node], collection: str) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._collection = collection
        self.replicas = {node.name: Replica(node.name) for node in nodes}
        self.unknown = 0
        """How many nodes know no such collection."""

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes that are still read."""
        return tuple(self._nodes)

    async def keep_active(self) -> None:
        """Drop the nodes whose replica is not Active now: what they told may have been another node's."""
        for name, state in (await self._each(lambda node: node.state(self._collection))).items():
            self.replicas[name].state = state
            if state != ACTIVE:
                self._drop(name, f"{name}'s replica is {state}")

    async def ranges(self, pause_s: float) -> AsyncIterator[Contents]:
        """All points, some at a time with a pause in between: whatever the nodes hold from one id to another."""
        start: Id | None = None
        while True:
            pages = await self._pages(start)
            start = min((p.following for p in pages.values() if p.following is not None), key=order, default=None)
            yield _contents({name: page.points for name, page in pages.items()}, start)
            if start is None:
                return
            await asyncio.sleep(pause_s)

    async def points(self, ids: Sequence[Id]) -> Contents:
        """The points of these ids, also those that no node has."""
        found = _contents(await self._each(lambda node: node.points(self._collection, ids)))
        return {one: found.get(one, {}) for one in ids}

    async def _pages(self, start: Id | None) -> dict[str, Page]:
        return await self._each(lambda node: node.page(self._collection, start, PAGE))

    async def _each(self, ask: Callable[[Node], Awaitable[T]]) -> dict[str, T]:
        """What each node answers; those that do not drop out."""
        answers = await asyncio.gather(*map(ask, self._nodes.values()), return_exceptions=True)
        found: dict[str, T] = {}
        for name, answer in zip(self.names, answers, strict=True):
            if isinstance(answer, NodeUnavailableError | NotFoundError):
                self.unknown += isinstance(answer, NotFoundError)
                self._drop(name, answer.detail)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[name] = answer
        return found

    def _drop(self, name: str, problem: str) -> None:
        del self._nodes[name]
        self.replicas[name].problem = problem


def _contents(points: dict[str, Sequence[Held]] | dict[str, list[Held]], end: Id | None = None) -> Contents:
    """The nodes' points below `end`, in the order of their ids on each node."""
    found: Contents = {}
    for name, held in points.items():
        for point in held:
            if end is None or order(point.id) < order(end):
                found.setdefault(point.id, {})[name] = point
    return found
