"""A collection's parameters: what creating and changing it may say, and how its settings are shown."""

from dataclasses import dataclass, replace
from typing import Any

from infra.embedded.qdrant.errors import unsupported, wrong_input
from infra.embedded.qdrant.fields import flag, known, natural, required, text

DISTANCES = ("Cosine", "Dot", "Euclid", "Manhattan")
_MAX_SIZE = 65536
_FACTORS = ("replication_factor", "write_consistency_factor")


@dataclass(frozen=True)
class Params:
    """How a collection stores its points and on how many nodes."""

    size: int
    distance: str
    replication_factor: int = 1
    write_consistency_factor: int = 1
    on_disk_payload: bool = True

    def shown(self) -> dict[str, Any]:
        """As the collection's information shows it."""
        return {
            "vectors": {"size": self.size, "distance": self.distance},
            "shard_number": 1,
            "replication_factor": self.replication_factor,
            "write_consistency_factor": self.write_consistency_factor,
            "on_disk_payload": self.on_disk_payload,
        }


def read_params(value: Any) -> Params:
    """The parameters that the body of a creation states; raises QdrantError for what the node can't do."""
    given = known(value, "vectors", "shard_number", "on_disk_payload", *_FACTORS)
    if natural(given.pop("shard_number", 1), "shard_number", 1) != 1:
        raise unsupported("more than one shard")
    vectors = required(given, "vectors")
    if isinstance(vectors, dict) and any(isinstance(field, dict) and "size" in field for field in vectors.values()):
        raise unsupported("a named vector")
    vectors = known(vectors, "size", "distance")
    size = natural(required(vectors, "size"), "vectors.size", 1)
    distance = text(required(vectors, "distance"), "vectors.distance")
    if size > _MAX_SIZE:
        raise wrong_input(f"vectors.size: {size} is more than {_MAX_SIZE}")
    if distance not in DISTANCES:
        raise wrong_input(f"vectors.distance: unknown variant `{distance}`, expected one of {', '.join(DISTANCES)}")
    on_disk = flag(given.get("on_disk_payload", True), "on_disk_payload")
    return replace(Params(size, distance, on_disk_payload=on_disk), **_factors(given))


def changed_params(params: Params, value: Any) -> Params:
    """The parameters after what the body of a change states."""
    return replace(params, **_factors(known(known(value, "params").get("params", {}), *_FACTORS)))


def _factors(given: dict[str, Any]) -> dict[str, Any]:
    return {name: natural(given[name], name, 1) for name in _FACTORS if name in given}


HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0}
"""How graphs are built, and below how many KB of vectors none is used; Qdrant 1.18's defaults."""
INDEXING_THRESHOLD_KB = 10000
"""From how many KB of vectors on a graph is built: 6,667 vectors at 384 dimensions; Qdrant 1.18's default."""
FIXED = {
    "hnsw_config": {**HNSW, "on_disk": False},
    "optimizer_config": {
        "deleted_threshold": 0.2,
        "vacuum_min_vector_number": 1000,
        "default_segment_number": 0,
        "max_segment_size": None,
        "memmap_threshold": None,
        "indexing_threshold": INDEXING_THRESHOLD_KB,
        "flush_interval_sec": 5,
        "max_optimization_threads": None,
        "prevent_unoptimized": None,
    },
    "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1},
    "quantization_config": None,
}
"""Settings that every collection has."""
