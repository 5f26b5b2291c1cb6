"""Reset: connections end with a TCP reset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault
from chaos.faults.fault import Saved
from chaos.stack import Stack


@dataclass(frozen=True)
class Reset(ToxicFault):
    """Accepts connections and resets each after `after_ms`.

    The toxic spares connections that are older than itself, so those are ended first.
    """

    kind: ClassVar[str] = "reset"
    after_ms: int = 0

    def describe(self) -> str:
        return f"connections reset after {self.after_ms} ms, on {self.where}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "reset_peer", {"timeout": self.after_ms}

    def prepare(self, stack: Stack) -> Saved:
        return {**super().prepare(stack), "enabled": stack.toxiproxy.proxy(self.edge).enabled}

    def inject(self, stack: Stack, saved: Saved) -> None:
        super().inject(stack, saved)
        if saved["enabled"]:
            stack.toxiproxy.bounce(self.edge)

    def heal(self, stack: Stack, saved: Saved) -> None:
        super().heal(stack, saved)
        stack.toxiproxy.enable(self.edge, saved["enabled"])  # whoever injected it may have died between off and on
