"""What the database knows of documents: those that were ingested, and what a job has done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.common import versions
from services.common.database import Database
from services.common.tables import transaction
from services.ingestion.lease import Lease
from services.ingestion.points import Document

_DONE = (
    "INSERT INTO rag.job_documents (job_id, path, status, reason, chunks)"
    " VALUES (%(job)s, %(path)s, %(status)s, %(reason)s, %(chunks)s) ON CONFLICT DO NOTHING"
)
_DOCUMENT = {
    "indexed": """
        INSERT INTO rag.documents
            (collection, path, status, content_hash, recipe, title, format, size, chunks, indexed_at)
        VALUES (%(collection)s, %(path)s, 'indexed', %(content_hash)s, %(recipe)s, %(title)s, %(format)s, %(size)s,
            %(chunks)s, now())
        ON CONFLICT (collection, path) DO UPDATE SET status = 'indexed', reason = NULL,
            content_hash = EXCLUDED.content_hash, recipe = EXCLUDED.recipe, title = EXCLUDED.title,
            format = EXCLUDED.format, size = EXCLUDED.size, chunks = EXCLUDED.chunks, indexed_at = now(),
            updated_at = now()""",
    # What is kept describes the version that is still searchable.
    "failed": """
        INSERT INTO rag.documents (collection, path, status, reason)
        VALUES (%(collection)s, %(path)s, 'failed', %(reason)s)
        ON CONFLICT (collection, path) DO UPDATE SET status = 'failed', reason = EXCLUDED.reason, updated_at = now()""",
    "deleted": "DELETE FROM rag.documents WHERE collection = %(collection)s AND path = %(path)s",
}


@dataclass(frozen=True)
class Known:
    """What was made of a document when it was last ingested."""

    content_hash: str | None
    recipe: str | None
    status: str
    chunks: int


@dataclass(frozen=True)
class Outcome:
    """What became of a document in a job."""

    path: str
    status: Literal["indexed", "unchanged", "failed", "deleted"]
    reason: str | None = None
    chunks: int = 0
    document: Document | None = None

    @property
    def changed(self) -> bool:
        """Whether searches may find something else than before; what failed may have been written in part."""
        return self.status != "unchanged"

    def values(self) -> dict[str, object]:
        """The parameters of the statements that record it."""
        found = self.document
        described = ("content_hash", "recipe", "title", "format", "size")
        own = {"path": self.path, "status": self.status, "reason": self.reason, "chunks": self.chunks}
        return own | {name: getattr(found, name) for name in described if found}


async def known(database: Database, collection: str, paths: Sequence[str] | None) -> dict[str, Known]:
    """The collection's documents by path (only of `paths`, if given)."""
    async with transaction(database) as cursor:
        await cursor.execute(
            "SELECT path, content_hash, recipe, status, chunks FROM rag.documents"
            " WHERE collection = %s AND (%s::text[] IS NULL OR path = ANY(%s::text[]))",
            (collection, paths, paths),
        )
        return {row.pop("path"): Known(**row) for row in await cursor.fetchall()}


async def done(database: Database, job: UUID) -> set[str]:
    """The paths that the job has dealt with."""
    async with transaction(database) as cursor:
        await cursor.execute("SELECT path FROM rag.job_documents WHERE job_id = %s", (job,))
        return {row["path"] for row in await cursor.fetchall()}


async def record(lease: Lease, outcomes: Sequence[Outcome]) -> None:
    """Write what became of documents, all in one transaction under the lease."""
    async with lease.held() as cursor:
        for outcome in outcomes:
            values = {"job": lease.job.id, "collection": lease.job.collection, **outcome.values()}
            if statement := _DOCUMENT.get(outcome.status):
                await cursor.execute(statement, values)
            await cursor.execute(_DONE, values)
        if any(outcome.changed for outcome in outcomes):
            await versions.bump(cursor, lease.job.collection)
