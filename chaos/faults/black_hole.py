"""Black hole: connections are accepted, and nothing comes through; what a lost power supply looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault


@dataclass(frozen=True)
class BlackHole(ToxicFault):
    """Swallows what crosses the edge; closes each connection after `close_after_ms`, with 0 only when it is healed.

    If the side that is not heard ends the connection itself, that does come through.
    """

    kind: ClassVar[str] = "black-hole"
    close_after_ms: int = 0

    def describe(self) -> str:
        closed = f", closed after {self.close_after_ms} ms" if self.close_after_ms else ""
        return f"black hole for {self.where}{closed}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "timeout", {"timeout": self.close_after_ms}
