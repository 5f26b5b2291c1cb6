"""Down: nobody listens at the other end."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import EdgeFault
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack


@dataclass(frozen=True)
class Down(EdgeFault):
    """Refuses new connections on the edge and ends those that are open."""

    kind: ClassVar[str] = "down"

    def describe(self) -> str:
        return f"connections refused on {self.edge}"

    def prepare(self, stack: Stack) -> Saved:
        return {"enabled": stack.toxiproxy.proxy(stack.edge(self.edge).name).enabled}

    def inject(self, stack: Stack, saved: Saved) -> None:
        stack.toxiproxy.enable(self.edge, False)

    def verify(self, stack: Stack, saved: Saved) -> None:
        if stack.toxiproxy.proxy(self.edge).enabled:
            raise FaultNotInForceError(f"{self.edge} takes connections")

    def heal(self, stack: Stack, saved: Saved) -> None:
        stack.toxiproxy.enable(self.edge, saved["enabled"])
