"""Writes documents' points to the vector cluster, the new ones before the old ones go."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

from services.common.collections import Collection
from services.common.errors import InvalidRequestError, NotFoundError
from services.common.ollama import Ollama
from services.common.qdrant import Filter, Point, Qdrant, QdrantUnavailableError
from services.ingestion.lease import Lease
from services.ingestion.metrics import CHUNKS, EMBEDDING_SECONDS
from services.ingestion.points import Document, of_path
from services.ingestion.repeat import Patience

BATCH = 32  # chunks embedded and written together; below 5 MB even with 4,096 dimensions and 8,192 tokens
CREATE_S = 4.0  # one attempt to create the vectors' collection; the database allows its transaction 6 s


class JobFailedError(Exception):
    """The job as a whole cannot go on; the message is the reason."""


@dataclass
class Store:
    """The vectors of one collection, for the time of one job.

    All methods repeat what fails for a transient reason, and raise OllamaUnavailableError or QdrantUnavailableError
    when patience ends, JobFailedError where repeating is in vain.
    """

    lease: Lease
    collection: Collection
    ollama: Ollama
    qdrant: Qdrant
    patience: Patience
    _ensured: bool = field(default=False, init=False)

    async def exists(self) -> bool:
        """Whether there is a collection of vectors."""
        try:
            await self.patience.repeat(lambda: self.qdrant.collection_info(self.collection.name))
        except NotFoundError:
            return False
        return True

    async def create(self) -> None:
        """Make the collection of vectors without any, so that a collection without documents can be searched too."""
        (vector,) = await self._embed(["how many numbers a vector has"])
        await self._ensure(len(vector))

    async def replace(self, documents: Sequence[Document]) -> None:
        """Embed and write the documents' points, and only then delete those of their older versions."""
        wanted = [(document, number) for document in documents for number in range(len(document.chunks))]
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            vectors = await self._embed([document.embedded(number) for document, number in batch])
            await self._upsert([d.point(number, v) for (d, number), v in zip(batch, vectors, strict=True)])
        for document in documents:
            await self._delete(document.stale)

    async def remove(self, path: str) -> None:
        """Delete all points of the document at `path`."""
        await self._delete(of_path(path))

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        started = perf_counter()
        model = self.collection.embedding_model
        vectors = await self.patience.repeat(lambda: self.ollama.embed(texts, model=model))
        EMBEDDING_SECONDS.inc(perf_counter() - started)
        CHUNKS.inc(len(texts))
        return vectors

    async def _upsert(self, points: Sequence[Point]) -> None:
        if not self._ensured:
            await self._ensure(len(points[0].vector))
        try:
            await self.patience.repeat(lambda: self.qdrant.upsert(self.collection.name, points))
        except NotFoundError:
            raise JobFailedError("the collection's vectors were deleted meanwhile") from None
        except InvalidRequestError as error:
            raise JobFailedError(f"the vector cluster refuses the points: {error.detail}") from None

    async def _ensure(self, size: int) -> None:
        await self.patience.repeat(lambda: self._ensure_collection(size))
        self._ensured = True

    async def _ensure_collection(self, size: int) -> None:
        # Under the lock of the job's row: whoever deletes the collection ends its jobs first, and so waits for this.
        async with self.lease.held():
            try:
                async with asyncio.timeout(CREATE_S):
                    await self.qdrant.ensure_collection(self.collection.name, size)
            except TimeoutError:
                raise QdrantUnavailableError("creating the collection of vectors takes too long") from None

    async def _delete(self, where: Filter) -> None:
        with suppress(NotFoundError):  # without a collection of vectors there is nothing to delete
            await self.patience.repeat(lambda: self.qdrant.delete_matching(self.collection.name, where))
