"""An outage in the contract's terms: the faults that make it, and the mark that it leaves on attempts."""

from collections.abc import Mapping
from dataclasses import dataclass

from chaos.faults import BlackHole, Down, Fault, Garbage, Latency, Reset
from infra.topology import QDRANT_NODES

SLOW_MS = 300  # longer than anything takes here in calm, shorter than any client's patience
FAILED = ("refused", "reset", "timeout", "garbage", "error")  # how an attempt may end that a fault has hit

EDGES: Mapping[str, tuple[str, ...]] = {
    "ollama": ("query->ollama",),
    "qdrant": tuple(f"query->{node}" for node in QDRANT_NODES),
    "qdrant-one-node": ("query->qdrant-1",),
    "redis": ("query->redis",),
    "timescaledb": ("query->timescaledb", "collections->timescaledb", "ingestion->timescaledb"),
    "query": ("rag-service->query",),
    "ingestion": ("collections->ingestion",),
}
"""The edges on which each dependency of the contract is away from all that ask it, or from the one that it names."""

KINDS = ("down", "black-hole", "slow", "reset", "garbage")


@dataclass(frozen=True)
class Mark:
    """What tells that an attempt has met the outage: how it ended, or that it took longer."""

    outcomes: tuple[str, ...] = ()
    slower_than_s: float | None = None


def faults(dependency: str, kind: str) -> list[Fault]:
    """The outage's faults; raises KeyError for a dependency or kind that the contract does not name."""
    made: Mapping[str, type[Down | BlackHole | Reset | Garbage]] = {
        "down": Down,
        "black-hole": BlackHole,
        "reset": Reset,
        "garbage": Garbage,
    }
    if kind == "slow":
        return [Latency(edge, latency_ms=SLOW_MS, jitter_ms=SLOW_MS // 6) for edge in EDGES[dependency]]
    return [made[kind](edge) for edge in EDGES[dependency]]


def mark(dependency: str, kind: str) -> Mark:
    """The outage's mark. Nobody waits for Redis for so long that its slowness could be told from its absence."""
    late = SLOW_MS / 1000 * 0.8
    if kind == "slow" and dependency != "redis":
        return Mark(slower_than_s=late)
    return Mark(FAILED, late if kind == "black-hole" else None)  # one that ends in time may let an attempt through late


def targets(dependency: str) -> tuple[str, ...]:
    """The components that are away, as `dependency_attempt_seconds` names them."""
    return tuple(dict.fromkeys(edge.partition("->")[2] for edge in EDGES[dependency]))
