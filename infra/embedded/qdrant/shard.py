"""One replica's points: Qdrant's engine on a directory.

The engine holds the interpreter while it works, so threads would gain nothing. It is called from the event loop, and
a large write is cut into slices of a few milliseconds between which others get their turn.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeVectorParams,
    FacetRequest,
    Filter,
    QueryRequest,
    Record,
    ScoredPoint,
    ScrollRequest,
    UpdateOperation,
)

from infra.embedded.qdrant.errors import wrong_input
from infra.embedded.qdrant.fields import PointId
from infra.embedded.qdrant.filters import having
from infra.embedded.qdrant.indexes import read_schema
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.writes import Write

SLICE = 64  # points; 2 ms at 384 dimensions
_NEVER_KB = 2**40  # no segment is that large, so the engine never builds a graph
_DISTANCES = {
    "Cosine": Distance.Cosine,
    "Dot": Distance.Dot,
    "Euclid": Distance.Euclid,
    "Manhattan": Distance.Manhattan,
}


class Shard:
    """The points of one collection on this node; survives a kill at any moment thanks to the engine's log."""

    def __init__(self, directory: Path, params: Params) -> None:
        config = EdgeConfig(
            vectors=EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance]),
            on_disk_payload=params.on_disk_payload,
            optimizers=EdgeOptimizersConfig(indexing_threshold=_NEVER_KB),
            max_search_threads=1,
        )
        self._directory = directory
        complete = directory / "complete"  # a kill may have cut the creation short
        if complete.exists():
            self._engine = EdgeShard.load(str(directory), config)
            self._engine.optimize()  # reclaims the room of deleted points: 0.2 s for 60,000
        else:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            self._engine = EdgeShard.create(str(directory), config)
            complete.touch()
        self._indexes: dict[str, Any] = {}
        self._dirty = True

    async def apply(self, write: Write, entitled: Callable[[Sequence[PointId]], None]) -> list[PointId]:
        """Apply the write slice by slice and return the ids it meant here.

        `entitled` is told each slice's ids just before; what it raises ends the write there.
        """
        ids = list(write.ids)
        if write.where:
            ids = list(dict.fromkeys([*ids, *self.matching(write.where)]))
        for part in _slices(ids):
            entitled(part)
            if present := self.existing(part) if write.alters else part:
                self.update(write.operation(present))
            await asyncio.sleep(0)
        return ids

    def update(self, operation: UpdateOperation) -> None:
        """Apply one of the engine's operations."""
        self._engine.update(operation)
        self._dirty = True

    def matching(self, where: Filter | None) -> list[PointId]:
        """The ids of the points that match (all points without a filter)."""
        request = ScrollRequest(limit=2**32, filter=where, with_payload=False, with_vector=False)
        return [_plain(record.id) for record in self._engine.scroll(request)[0]]

    def existing(self, ids: Sequence[PointId]) -> list[PointId]:
        """Those of the ids that there are points for."""
        return self.matching(having(ids, None))

    def query(self, request: QueryRequest) -> list[ScoredPoint]:
        return self._engine.query(request)

    def scroll(self, request: ScrollRequest) -> tuple[list[Record], Any]:
        return self._engine.scroll(request)

    def retrieve(self, ids: Sequence[PointId], with_payload: Any, with_vector: bool) -> list[Record]:
        return self._engine.retrieve(list(ids), with_payload, with_vector)

    def count(self, request: CountRequest) -> int:
        return self._engine.count(request)

    def facet(self, request: FacetRequest) -> list[dict[str, Any]]:
        try:
            hits = self._engine.facet(request).hits
        except Exception as error:  # noqa: BLE001 - the engine has nothing more special for a field without an index
            raise wrong_input(str(error)) from None
        return [{"value": hit.value, "count": hit.count} for hit in hits]

    def vector_of(self, one: PointId) -> list[float] | None:
        """The vector of a point, None if there is none."""
        found = self.retrieve([one], with_payload=False, with_vector=True)
        return found[0].vector if found else None  # type: ignore[return-value]  # one unnamed vector, always a list

    def points_count(self) -> int:
        return self._engine.info().points_count

    def segments_count(self) -> int:
        return self._engine.info().segments_count

    def indexed_points(self) -> dict[str, int]:
        """How many points each payload index holds."""
        return {name: index.points for name, index in self._engine.info().payload_schema.items()}

    def set_indexes(self, wanted: Mapping[str, Any]) -> None:
        """Have exactly these payload indexes, given as schemas in JSON by field."""
        for name in self.indexed_points().keys() - wanted.keys():
            self.update(UpdateOperation.delete_field_index(name))
        for name, schema in wanted.items():
            if self._indexes.get(name) != schema:
                self.update(UpdateOperation.create_field_index(name, read_schema(schema)))
        self._indexes = dict(wanted)

    def flush(self) -> None:
        """Bring what is in the log into the segments, so that the log can be cut."""
        if self._dirty:
            self._dirty = False
            self._engine.flush()

    def close(self) -> None:
        self._engine.close()

    def destroy(self) -> None:
        """Close, and remove the files."""
        self._engine.close()
        shutil.rmtree(self._directory)


def _plain(one: Any) -> PointId:
    return one if isinstance(one, int) else str(one)


def _slices(ids: Sequence[PointId]) -> Iterator[list[PointId]]:
    rest = iter(ids)
    while part := list(islice(rest, SLICE)):
        yield part
