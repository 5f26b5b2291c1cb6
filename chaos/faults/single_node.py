"""Single node: one vector node alone holds everything, as after the rollback of the cluster to a single instance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack
from infra.qdrant.everywhere import to_all
from infra.qdrant.node import Node
from infra.qdrant.single import to_single
from infra.qdrant.view import look
from infra.topology import QDRANT_NODES


@dataclass(frozen=True)
class SingleNode:
    """Does what `breakwater cluster single` does; healing is what `breakwater cluster replicate` does."""

    kind: ClassVar[str] = "single-node"
    keep: str = QDRANT_NODES[0]

    @property
    def target(self) -> str:
        return self.keep

    def describe(self) -> str:
        return f"{self.keep} alone holds every collection"

    def prepare(self, stack: Stack) -> Saved:
        return {}

    def inject(self, stack: Stack, saved: Saved) -> None:
        to_single(_nodes(stack), self.keep, _unsaid)

    def verify(self, stack: Stack, saved: Saved) -> None:
        if elsewhere := list(self._elsewhere(stack)):
            raise FaultNotInForceError("; ".join(elsewhere))

    def heal(self, stack: Stack, saved: Saved) -> None:
        to_all(_nodes(stack), _unsaid)

    def _elsewhere(self, stack: Stack) -> Iterator[str]:
        kept = look(_nodes(stack)).of(self.keep)
        for name, collection in kept.collections.items():
            if {peer for _, peer in collection.placed} != {kept.peer}:
                yield f"{name} is not on {self.keep} alone"


def _nodes(stack: Stack) -> list[Node]:
    return [Node(name, stack.url(name)) for name in QDRANT_NODES]


def _unsaid(_: str) -> None:
    """Whoever watches a command is told its steps; here nobody watches."""
