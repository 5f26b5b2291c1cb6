"""Bandwidth: bytes trickle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault


@dataclass(frozen=True)
class Bandwidth(ToxicFault):
    """Lets `rate_kb_s` kilobytes (of 1000 bytes) a second through each connection."""

    kind: ClassVar[str] = "bandwidth"
    rate_kb_s: int = 10

    def describe(self) -> str:
        return f"bandwidth {self.rate_kb_s} KB/s for {self.where}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "bandwidth", {"rate": self.rate_kb_s}
