"""One replica's points: Qdrant's engine on a directory.

The engine is called from the event loop: handing a search to a thread would add a fifth to its cost, and flushing
and loading hold the interpreter anyway. A large write is cut into slices of a few milliseconds between which others get
their turn.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FacetRequest,
    Filter,
    QueryRequest,
    Record,
    ScoredPoint,
    ScrollRequest,
    UpdateOperation,
)

from infra.embedded.qdrant import generations
from infra.embedded.qdrant.engine import create, load, warm
from infra.embedded.qdrant.errors import wrong_input
from infra.embedded.qdrant.fields import PointId
from infra.embedded.qdrant.filters import having
from infra.embedded.qdrant.indexes import read_schema
from infra.embedded.qdrant.params import Params
from infra.embedded.qdrant.writes import Write

SLICE = 64  # points; 2 ms at 384 dimensions


class Shard:
    """The points of one collection on this node; survives a kill at any moment thanks to the engine's log."""

    def __init__(self, directory: Path, params: Params) -> None:
        self.directory = directory
        self.params = params
        generations.tidy(directory)
        if files := generations.current(directory):
            warm(files)
            self._engine = load(files, params)
        else:  # it is new, or a kill has cut its creation short
            files = generations.following(directory)
            self._engine = create(files, params)
            generations.adopt(directory, files)
        self.files = files
        """Where the engine's files are."""
        self.written = max(0, self.points_count() - self.indexed_vectors_count())
        """How many points were written since the graph was built, as far as is known; a rewritten one counts again."""
        self.noted: set[PointId] | None = None
        """Unless it is None, the ids of all points that are written are added to it."""
        self._indexes: dict[str, Any] = {}
        self._wanted_indexes: Mapping[str, Any] = {}
        self._still: asyncio.Event | None = None
        self._closed = False
        self._dirty = True

    async def apply(self, write: Write, entitled: Callable[[Sequence[PointId]], None]) -> list[PointId]:
        """Apply the write slice by slice and return the ids it meant here.

        `entitled` is told each slice's ids just before; what it raises ends the write there.
        """
        ids = list(write.ids)
        if write.where:
            ids = list(dict.fromkeys([*ids, *self.matching(write.where)]))
        for part in slices(ids):
            await self.writable()
            entitled(part)
            if present := self.existing(part) if write.alters else part:
                self.update(write.operation(present), present)
            await asyncio.sleep(0)
        return ids

    async def writable(self) -> None:
        """Return once the shard can be written to; that is so until the caller waits for something else."""
        while self._still:
            await self._still.wait()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing is written meanwhile; what wants to waits."""
        self._still = waiting = asyncio.Event()
        try:
            yield
        finally:
            self._still = None
            waiting.set()
            if not self._closed:
                self._set_indexes()

    def update(self, operation: UpdateOperation, ids: Sequence[PointId]) -> None:
        """Apply one of the engine's operations, which writes these points; the shard has to be writable."""
        if self.noted is not None:
            self.noted.update(ids)
        self.written += len(ids)
        self._engine.update(operation)
        self._dirty = True

    def exchange(self, engine: EdgeShard, files: Path) -> None:
        """Go on with other files, of the same points, that are open already."""
        generations.adopt(self.directory, files)
        self._engine.close()
        self._engine, self.files = engine, files
        self._indexes = {}
        self._dirty = True

    def matching(self, where: Filter | None) -> list[PointId]:
        """The ids of the points that match (all points without a filter)."""
        request = ScrollRequest(limit=2**32, filter=where, with_payload=False, with_vector=False)
        return [plain(record.id) for record in self._engine.scroll(request)[0]]

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

    def indexed_vectors_count(self) -> int:
        """How many vectors are in a graph, some deleted ones among them."""
        return self._engine.info().indexed_vectors_count

    def indexed_points(self) -> dict[str, int]:
        """How many points each payload index holds."""
        return {name: index.points for name, index in self._engine.info().payload_schema.items()}

    def set_indexes(self, wanted: Mapping[str, Any]) -> None:
        """Have exactly these payload indexes, given as schemas in JSON by field, as soon as the shard is writable."""
        self._wanted_indexes = wanted
        if not self._still:
            self._set_indexes()

    def _set_indexes(self) -> None:
        wanted = self._wanted_indexes
        for name in self.indexed_points().keys() - wanted.keys():
            self._engine.update(UpdateOperation.delete_field_index(name))
            self._dirty = True
        for name, schema in wanted.items():
            if self._indexes.get(name) != schema:
                self._engine.update(UpdateOperation.create_field_index(name, read_schema(schema)))
                self._dirty = True
        self._indexes = dict(wanted)

    def flush(self) -> None:
        """Bring what is in the log into the segments, so that the log can be cut."""
        if self._dirty:
            self._dirty = False
            self._engine.flush()

    def close(self) -> None:
        self._closed = True
        self._engine.close()

    def destroy(self) -> None:
        """Close, and remove the files."""
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)  # an optimizer that is being ended may add to it


def plain(one: Any) -> PointId:
    """An id as requests spell it, from the engine's."""
    return one if isinstance(one, int) else str(one)


def slices(ids: Iterable[PointId]) -> Iterator[list[PointId]]:
    """The ids in portions that the engine is done with in a few milliseconds."""
    rest = iter(ids)
    while part := list(islice(rest, SLICE)):
        yield part
