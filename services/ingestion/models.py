"""What the ingestion service is asked and what it answers."""

import posixpath
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.common.collections import CollectionName

JobState = Literal["queued", "running", "done", "failed"]


def _inside(path: str) -> str:
    """One spelling for each file, since a document's identity is its path."""
    normal = posixpath.normpath(path)
    if normal.startswith(("/", "../")) or normal in {".", ".."}:
        raise ValueError("must be a file's path relative to the collection's directory")
    return normal


DocumentPath = Annotated[
    str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*$"), AfterValidator(_inside)
]


class JobBody(BaseModel):
    """A job to be done."""

    collection: CollectionName
    paths: list[DocumentPath] | None = Field(
        None, min_length=1, max_length=1000, description="only these documents; the whole collection when left out"
    )
    force: bool = Field(default=False, description="also what has not changed")


class JobQuery(BaseModel):
    """Which jobs to list."""

    collection: CollectionName | None = None
    state: JobState | None = None
    limit: int = Field(20, ge=1, le=200)


class Counts(BaseModel):
    """How far a job has come; `total` is null until its documents are counted."""

    total: int | None
    done: int
    indexed: int
    unchanged: int
    failed: int
    deleted: int
    chunks: int


class Failure(BaseModel):
    """A document that failed in a job."""

    path: str
    reason: str | None


class Job(BaseModel):
    """A job with its progress and its first failures."""

    id: UUID
    collection: str
    state: JobState
    reason: str | None
    force: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    counts: Counts
    failures: list[Failure]


class Jobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job]
