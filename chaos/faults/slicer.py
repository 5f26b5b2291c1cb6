"""Slicer: bytes come in small pieces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault


@dataclass(frozen=True)
class Slicer(ToxicFault):
    """Cuts what crosses the edge into pieces of `size` bytes, give or take `variation`, `delay_ms` apart."""

    kind: ClassVar[str] = "slicer"
    size: int = 64
    variation: int = 0
    delay_ms: int = 0

    def describe(self) -> str:
        return f"pieces of {self.size}±{self.variation} bytes, {self.delay_ms} ms apart, for {self.where}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        # This delay alone Toxiproxy counts in microseconds.
        delay = self.delay_ms * 1000
        return "slicer", {"average_size": self.size, "size_variation": self.variation, "delay": delay}
