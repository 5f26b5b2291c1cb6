"""The points of a document: what identifies them and what they carry."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.common.collections import Collection
from services.common.qdrant import Filter, Point, matching
from services.ingestion.reading.split import CUTTING, Chunk

NAMESPACE = UUID("5d0e9e36-6a5c-4c1b-9f0a-3f6f8c1f7f0e")  # arbitrary; another one would orphan every point


def recipe(collection: Collection) -> str:
    """What the points of unchanged content depend on: a document is embedded anew where it differs."""
    return _digest(collection.embedding_model, collection.chunk_tokens, collection.chunk_overlap, CUTTING)


def _digest(*values: object) -> str:
    return hashlib.sha256("\0".join(map(str, values)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Document:
    """A document whose content has been read."""

    collection: str
    path: str
    format: str
    size: int
    content_hash: str
    recipe: str
    title: str
    chunks: Sequence[Chunk]

    @property
    def id(self) -> str:
        return str(uuid5(NAMESPACE, f"{self.collection}\0{self.path}"))

    @property
    def version(self) -> str:
        """Tells the points of this content from those of any other."""
        return _digest(self.content_hash, self.recipe)

    @property
    def stale(self) -> Filter:
        """The document's points of other versions."""
        return of_path(self.path) | {"must_not": matching(version=self.version)["must"]}

    def embedded(self, number: int) -> str:
        """What the model reads of the chunk of that number."""
        return f"{self.chunks[number].context}\n{self.chunks[number].text}"

    def point(self, number: int, vector: Sequence[float]) -> Point:
        """The point of the chunk of that number."""
        chunk = self.chunks[number]
        name = "\0".join((self.collection, self.path, self.content_hash, self.recipe, str(number)))
        payload = {
            "path": self.path,
            "title": self.title,
            "document_id": self.id,
            "chunk": number,
            "text": chunk.text,
            "section": chunk.section,
            "page": chunk.page,
            "format": self.format,
            "version": self.version,
        }
        return Point(str(uuid5(NAMESPACE, name)), vector, payload)


def of_path(path: str) -> Filter:
    """All points of the document at `path`."""
    return matching(path=path)
