"""Three vector nodes in memory, and a store that writes to them as their cluster would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.collections.replicas.difference import order
from services.collections.replicas.node import ACTIVE, Held, Id, Node, NodeUnavailableError, Page
from services.common.errors import NotFoundError
from services.common.http import Http
from services.common.qdrant import Point, Qdrant, QdrantUnavailableError


def held(point: Id, text: str = "x", **payload: Any) -> Held:
    return Held(point, [0.5, 0.5], {"path": f"{point}.md", "text": text, **payload})


@dataclass(frozen=True)
class FakeNode(Node):
    """A node; `asked` is called with the name of each method before it answers."""

    replica: dict[Id, Held] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: [ACTIVE])  # the last one stays
    asked: list[Callable[[str], None]] = field(default_factory=list)

    async def state(self, collection: str) -> str:
        self._asked("state")
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    async def page(self, collection: str, start: Id | None, limit: int) -> Page:
        self._asked("page")
        ids = sorted((one for one in self.replica if start is None or order(one) >= order(start)), key=order)
        return Page([self.replica[one] for one in ids[:limit]], ids[limit] if len(ids) > limit else None)

    async def points(self, collection: str, ids: Sequence[Id]) -> list[Held]:
        self._asked("points")
        return [self.replica[one] for one in ids if one in self.replica]

    def put(self, *points: Held) -> None:
        self.replica.update({point.id: point for point in points})

    def fails(self, method: str, error: Exception | None = None) -> None:
        """Have the node fail at a method from now on."""

        def fail(name: str) -> None:
            if name == method:
                raise error or NodeUnavailableError(f"{self.name} is away")

        self.asked.append(fail)

    def knows_nothing(self) -> None:
        self.fails("state", NotFoundError("no such collection"))

    def _asked(self, method: str) -> None:
        for call in self.asked:
            call(method)


def nodes_with(*points: Held) -> list[FakeNode]:
    """Three nodes that all hold these points."""
    nodes = [FakeNode(f"qdrant-{number}", "", Http()) for number in range(3)]
    for node in nodes:
        node.put(*points)
    return nodes


class FakeStore(Qdrant):
    """Writes to all nodes; refuses as often as it is told to."""

    def __init__(self, nodes: Sequence[FakeNode], *, refusals: int = 0, collections: Sequence[str] = ("docs",)) -> None:
        self.nodes = nodes
        self.refusals = refusals
        self.collections = list(collections)
        self.writes: list[str] = []

    async def list_collections(self) -> list[str]:
        return self.collections

    async def ensure_collection(self, name: str, size: int) -> None:
        self.writes.append("create")
        self.collections.append(name)

    async def upsert(self, name: str, points: Sequence[Point]) -> None:
        self._take("upsert", name)
        for node in self.nodes:
            node.put(*(Held(p.id, p.vector, dict(p.payload)) for p in points))

    async def delete_ids(self, name: str, ids: Sequence[Id]) -> None:
        self._take("delete", name)
        for node in self.nodes:
            for one in ids:
                node.replica.pop(one, None)

    def _take(self, kind: str, name: str) -> None:
        if name not in self.collections:
            raise NotFoundError("no such collection")
        if self.refusals:
            self.refusals -= 1
            raise QdrantUnavailableError("no vector node answered")
        self.writes.append(kind)


def changed(point: Held, text: str) -> Held:
    return replace(point, payload={**point.payload, "text": text})
