"""The work of one job: which documents it is about, and what becomes of each."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from services.common import folder, versions
from services.common.collections import Collection, Collections
from services.common.database import Database
from services.common.errors import InvalidRequestError, NotFoundError, UnavailableError
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.ingestion import records
from services.ingestion.batches import batches
from services.ingestion.files import File, Folder, FolderMissingError
from services.ingestion.lease import Lease
from services.ingestion.metrics import DOCUMENTS
from services.ingestion.points import Document, recipe
from services.ingestion.reader import Reader
from services.ingestion.reading.content import UnreadableError
from services.ingestion.reading.formats import Wanted
from services.ingestion.records import Known, Outcome
from services.ingestion.repeat import TRANSIENT, Patience
from services.ingestion.store import BATCH, JobFailedError, Store

AHEAD = 4  # documents read while others are embedded
GIVE_UP = 3  # documents in a row that failed because a dependency is away

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """What jobs are done with."""

    database: Database
    collections: Collections
    qdrant: Qdrant
    ollama: Ollama
    reader: Reader
    data_root: Path
    patience: Patience


@dataclass(frozen=True)
class _Gone:
    path: str


async def work(lease: Lease, tools: Tools) -> tuple[str, str | None]:
    """Do the job, skipping what an earlier worker has done; its final state and the reason. Raises LeaseLostError."""
    try:
        run = await _prepare(lease, tools)
        await run.all()
        await run.settled()
    except (JobFailedError, FolderMissingError, UnavailableError) as error:
        return "failed", str(error)
    return "done", None


async def _prepare(lease: Lease, tools: Tools) -> "Run":
    job, repeat = lease.job, tools.patience.repeat
    collection = await _collection(tools, job.collection)
    files = Folder(tools.data_root, folder.directory(tools.data_root, collection.directory))
    known = await repeat(lambda: records.known(tools.database, collection.name, job.paths))
    done = await repeat(lambda: records.done(tools.database, job.id))
    wanted = {*job.paths} if job.paths else {*await asyncio.to_thread(files.documents), *known}
    await repeat(lambda: lease.count(len(wanted | done)))
    store = Store(lease, collection, tools.ollama, tools.qdrant, tools.patience)
    exists = await store.exists()
    if not exists and not wanted:
        await store.create()
    if job.force or not exists:
        known = {}
    return Run(lease, tools, collection, files, store, sorted(wanted - done), known)


async def _collection(tools: Tools, name: str) -> Collection:
    # While the database is away, the file answers for it, and may not know the collection.
    await tools.patience.repeat(tools.database.ping)
    try:
        collection = await tools.collections.get(name)
        folder.directory(tools.data_root, collection.directory)
    except (NotFoundError, InvalidRequestError) as error:
        raise JobFailedError(error.detail) from None
    if not collection.enabled:
        raise JobFailedError(f"collection {name!r} is disabled")
    return collection


@dataclass
class Run:
    """A job under way. `known` are the documents that need no work if their content is what it was."""

    lease: Lease
    tools: Tools
    collection: Collection
    folder: Folder
    store: Store
    paths: Sequence[str]
    known: dict[str, Known]
    _recipe: str = field(init=False)
    _failed_in_a_row: int = field(default=0, init=False)
    _settled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._recipe = recipe(self.collection)
        self._changed()  # just before, perhaps: what is known now may be another worker's latest

    async def all(self) -> None:
        """Deal with every document; raises JobFailedError, FolderMissingError, LeaseLostError."""
        async with aclosing(batches(self.paths, self._read, ahead=AHEAD, full=_is_full)) as found:
            async for batch in found:
                outcomes = [item for item in batch if isinstance(item, Outcome)]
                outcomes += [await self._deleted(item.path) for item in batch if isinstance(item, _Gone)]
                outcomes += await self._indexed([item for item in batch if isinstance(item, Document)])
                await self._record(outcomes)

    async def settled(self) -> None:
        """Wait until no answer from before the latest change is served as fresh any more."""
        await asyncio.sleep(self._settled_at - monotonic())

    def _changed(self) -> None:
        self._settled_at = monotonic() + versions.LEASE_S

    async def _read(self, path: str) -> "Document | _Gone | Outcome":
        try:
            file = await asyncio.to_thread(self.folder.load, path)
            if file is None:
                return _Gone(path)
            before = self.known.get(path)
            if before and (before.status, before.content_hash, before.recipe) == ("indexed", file.hash, self._recipe):
                return Outcome(path, "unchanged", chunks=before.chunks)
            return await self._document(path, file)
        except UnreadableError as error:
            return Outcome(path, "failed", str(error))

    async def _document(self, path: str, file: File) -> Document:
        kind = folder.format_of(path)
        assert kind  # or the folder would not have had it
        own = self.collection
        read = await self.tools.reader.read(Wanted(path, kind, own.chunk_tokens, own.chunk_overlap), file.data)
        size = len(file.data)
        return Document(own.name, path, kind, size, file.hash, self._recipe, title=read.title, chunks=read.chunks)

    async def _deleted(self, path: str) -> Outcome:
        try:
            await self.store.remove(path)
        except TRANSIENT as error:
            return self._failed(path, error)
        return Outcome(path, "deleted")

    async def _indexed(self, documents: Sequence[Document]) -> list[Outcome]:
        """Write the documents together; where that fails, one by one, so that none suffers for another."""
        try:
            await self.store.replace(documents)
        except TRANSIENT as error:
            if len(documents) == 1:
                return [self._failed(documents[0].path, error)]
            return [outcome for document in documents for outcome in await self._indexed([document])]
        if documents:
            self._failed_in_a_row = 0
        return [Outcome(d.path, "indexed", chunks=len(d.chunks), document=d) for d in documents]

    def _failed(self, path: str, error: UnavailableError) -> Outcome:
        self._failed_in_a_row += 1
        return Outcome(path, "failed", error.detail)

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        await self.tools.patience.repeat(lambda: records.record(self.lease, outcomes))
        if any(outcome.changed for outcome in outcomes):
            self._changed()
        for outcome in outcomes:
            DOCUMENTS.labels(outcome.status).inc()
            if outcome.status == "failed":
                told = {"collection": self.collection.name, "path": outcome.path, "reason": outcome.reason}
                log.warning("document failed", extra={"job": str(self.lease.job.id), **told})
        if self._failed_in_a_row >= GIVE_UP:
            raise JobFailedError(f"gave up after {self._failed_in_a_row} documents in a row: {outcomes[-1].reason}")


def _is_full(batch: Sequence[Document | _Gone | Outcome]) -> bool:
    return sum(len(item.chunks) for item in batch if isinstance(item, Document)) >= BATCH
