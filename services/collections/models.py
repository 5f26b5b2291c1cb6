"""What the collections service is asked and what it answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.common.collections import Collection, CollectionName, NonEmpty


class CollectionList(BaseModel):
    """All collections, by name."""

    collections: list[Collection]


class CollectionChanges(BaseModel):
    """The fields of a collection that change; those left out stay."""

    model_config = ConfigDict(extra="forbid")

    directory: NonEmpty | None = None
    embedding_model: NonEmpty | None = None
    chunk_tokens: int | None = None
    chunk_overlap: int | None = None
    enabled: bool | None = None


class CollectionFields(BaseModel):
    """A collection but for its name; the fields left out get their defaults."""

    model_config = ConfigDict(extra="forbid")

    directory: NonEmpty = Field(description="below the data root, to which it is relative")
    embedding_model: NonEmpty | None = Field(None, description="the stack's embedding model when left out")
    chunk_tokens: int | None = Field(None, description="the most tokens of a chunk")
    chunk_overlap: int | None = Field(None, description="tokens that neighbouring chunks share")
    enabled: bool | None = None


class NewCollection(CollectionFields):
    """A collection to create."""

    name: CollectionName


class DocumentState(BaseModel):
    """What became of a document when it was last ingested."""

    path: str
    status: Literal["indexed", "failed"]
    reason: str | None
    chunks: int
    title: str | None
    format: str | None
    size: int | None
    content_hash: str | None
    indexed_at: datetime | None


class DocumentStates(BaseModel):
    """A page of a collection's documents, by path."""

    documents: list[DocumentState]
    total: int
    offset: int
    limit: int


class LastJob(BaseModel):
    """The newest ingestion job of a collection."""

    id: UUID
    state: str
    reason: str | None
    created_at: datetime
    finished_at: datetime | None


class Stats(BaseModel):
    """A collection in numbers. `vectors` is null while the vector cluster is away."""

    name: str
    files: int = Field(description="documents' files in the folder")
    documents: int = Field(description="documents that ingestion has dealt with")
    indexed: int
    failed: int
    chunks: int
    vectors: int | None
    open_jobs: int = Field(description="jobs that are queued or running")
    last_job: LastJob | None


Job = dict[str, Any]
"""An ingestion job as the ingestion service answers it."""
