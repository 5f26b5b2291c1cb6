"""The jobs as their callers see them: rows of rag.ingestion_jobs with what became of their documents."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from services.common.database import Database
from services.common.errors import NotFoundError
from services.common.middleware.request_id import request_id
from services.common.tables import transaction
from services.ingestion.lease import Leases
from services.ingestion.models import JobBody, JobQuery

FAILURES = 20  # of a job that are shown with it; all of them are events

_SHOWN = """
SELECT job.id, collection, state, job.reason, force, created_at, started_at, finished_at, total,
    became.*, failures.list AS failures
FROM ({jobs}) AS job,
LATERAL (
    SELECT count(*) AS done, coalesce(sum(chunks) FILTER (WHERE status = 'indexed'), 0)::bigint AS chunks,
        count(*) FILTER (WHERE status = 'indexed') AS indexed,
        count(*) FILTER (WHERE status = 'unchanged') AS unchanged,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'deleted') AS deleted
    FROM rag.job_documents WHERE job_id = job.id
) AS became,
LATERAL (
    SELECT coalesce(json_agg(json_build_object('path', path, 'reason', reason) ORDER BY number), '[]') AS list
    FROM (
        SELECT path, reason, number FROM rag.job_documents
        WHERE job_id = job.id AND status = 'failed' ORDER BY number LIMIT %(failures)s
    ) AS first
) AS failures
ORDER BY created_at DESC, job.id
"""
_ONE = _SHOWN.format(jobs="SELECT * FROM rag.ingestion_jobs WHERE id = %(id)s")
_NEWEST = _SHOWN.format(
    jobs="""
    SELECT * FROM rag.ingestion_jobs
    WHERE (%(collection)s::text IS NULL OR collection = %(collection)s)
        AND (%(state)s::text IS NULL OR state = %(state)s)
    ORDER BY created_at DESC, id LIMIT %(limit)s
    """
)
_COUNTS = ("total", "done", "indexed", "unchanged", "failed", "deleted", "chunks")


class Jobs:
    """Creates and shows jobs; all methods raise DatabaseUnavailableError while the database is away."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases

    async def ping(self) -> None:
        """Raise unless the database answers."""
        await self._database.ping()

    async def create(self, wanted: JobBody) -> dict[str, Any]:
        """Record a job; a worker takes it from there, of this process if it can."""
        job = uuid4()
        async with transaction(self._database) as cursor:
            await cursor.execute(
                "INSERT INTO rag.ingestion_jobs (id, collection, paths, force, request_id) VALUES (%s, %s, %s, %s, %s)",
                (job, wanted.collection, wanted.paths, wanted.force, request_id.get()),
            )
            await self._leases.accept(cursor, job)
            return await _show(cursor, job)

    async def get(self, job: UUID) -> dict[str, Any]:
        """The job as `models.Job`; raises NotFoundError."""
        async with transaction(self._database) as cursor:
            return await _show(cursor, job)

    async def newest(self, wanted: JobQuery) -> list[dict[str, Any]]:
        """Jobs as `models.Job`, the newest first."""
        async with transaction(self._database) as cursor:
            await cursor.execute(_NEWEST, {**wanted.model_dump(), "failures": FAILURES})
            return [_shown(row) for row in await cursor.fetchall()]

    async def documents(self, job: UUID, after: int) -> Sequence[DictRow]:
        """What became of the job's documents since the one with that number: number, path, status, reason, chunks."""
        async with transaction(self._database) as cursor:
            await cursor.execute(
                "SELECT number, path, status, reason, chunks FROM rag.job_documents"
                " WHERE job_id = %s AND number > %s ORDER BY number",
                (job, after),
            )
            return await cursor.fetchall()


async def _show(cursor: AsyncCursor[DictRow], job: UUID) -> dict[str, Any]:
    await cursor.execute(_ONE, {"id": job, "failures": FAILURES})
    row = await cursor.fetchone()
    if row is None:
        raise NotFoundError(f"there is no job {job}")
    return _shown(row)


def _shown(row: DictRow) -> dict[str, Any]:
    counts = {name: row.pop(name) for name in _COUNTS}
    return {**row, "counts": counts, "failures": row["failures"]}
