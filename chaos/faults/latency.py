"""Latency: every byte arrives later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.edge import ToxicFault


@dataclass(frozen=True)
class Latency(ToxicFault):
    """Delays what crosses the edge by `latency_ms`, give or take up to `jitter_ms`, evenly spread."""

    kind: ClassVar[str] = "latency"
    latency_ms: int = 1000
    jitter_ms: int = 0

    def describe(self) -> str:
        jitter = f"±{self.jitter_ms}" if self.jitter_ms else ""
        return f"latency {self.latency_ms}{jitter} ms on {self.where}"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "latency", {"latency": self.latency_ms, "jitter": self.jitter_ms}
