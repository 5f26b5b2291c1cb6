"""Partition: the other vector nodes cannot reach one of them."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.black_hole import BlackHole
from chaos.faults.down import Down
from chaos.faults.fault import Saved
from chaos.stack import Stack
from infra.topology import PEERS


@dataclass(frozen=True)
class Partition:
    """Cuts the traffic of its peers into one node: refused, or `silent`, as if their packets were lost.

    Inbound only: peers share one address of each node, so what the node sends to them still arrives.
    """

    kind: ClassVar[str] = "partition"
    node: str
    silent: bool = False

    @property
    def target(self) -> str:
        return self._cut.target

    @property
    def _cut(self) -> Down | BlackHole:
        edge = f"{PEERS}->{self.node}"
        return BlackHole(edge, stream="both") if self.silent else Down(edge)

    def describe(self) -> str:
        return f"{self.node} cut off from what its peers send ({'lost' if self.silent else 'refused'})"

    def prepare(self, stack: Stack) -> Saved:
        return self._cut.prepare(stack)

    def inject(self, stack: Stack, saved: Saved) -> None:
        self._cut.inject(stack, saved)

    def verify(self, stack: Stack, saved: Saved) -> None:
        self._cut.verify(stack, saved)

    def heal(self, stack: Stack, saved: Saved) -> None:
        self._cut.heal(stack, saved)
