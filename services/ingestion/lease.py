"""Leases: which worker may work on which job, and proof that it still may.

A job that nobody works on yet is leased, too, to the process that accepted it. So during a rollout each release works
on what it was asked, unless it leaves that alone for as long as a lease lasts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from services.common import versions
from services.common.database import Database, DatabaseUnavailableError
from services.common.tables import transaction
from services.ingestion.metrics import OPEN_JOBS

KEPT_DAYS = 30  # a finished job is shown for so long
RELEASE_S = 1.5  # at shutdown; the whole service has ten seconds

_SERIALISE = "SELECT pg_advisory_xact_lock(hashtext('rag.ingestion_jobs claim'))"  # or two claims miss each other
_CLAIM = """
UPDATE rag.ingestion_jobs SET state = 'running', lease_owner = %(owner)s,
    lease_until = now() + make_interval(secs => %(seconds)s), started_at = coalesce(started_at, clock_timestamp())
WHERE id = (
    SELECT id FROM rag.ingestion_jobs AS job
    WHERE (lease_until IS NULL OR lease_until < now() OR state = 'queued' AND starts_with(lease_owner, %(process)s))
    AND state IN ('queued', 'running') AND (starts_with(lease_owner, %(process)s) OR NOT %(own)s) AND NOT EXISTS (
        SELECT FROM rag.ingestion_jobs AS other
        WHERE other.collection = job.collection AND other.state = 'running' AND other.lease_until >= now()
    )
    ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, collection, paths, force, request_id
"""
_ACCEPT = """
UPDATE rag.ingestion_jobs SET lease_owner = %(process)s, lease_until = now() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s
"""
_OURS = "id = %(id)s AND state = 'running' AND lease_owner = %(owner)s AND lease_until >= now()"
_EXTEND = f"UPDATE rag.ingestion_jobs SET lease_until = now() + make_interval(secs => %(seconds)s) WHERE {_OURS}"  # noqa: S608 - two constants
_OPEN = "SELECT state, count(*) AS jobs FROM rag.ingestion_jobs WHERE state IN ('queued', 'running') GROUP BY state"
_PRUNE = "DELETE FROM rag.ingestion_jobs WHERE finished_at < now() - make_interval(days => %s)"
_RELEASE_EARLIER = (
    "UPDATE rag.ingestion_jobs SET lease_until = 'epoch' WHERE state = 'running' AND starts_with(lease_owner, %s)"
)

_LEAVE = "UPDATE rag.ingestion_jobs SET lease_until = 'epoch' WHERE state = 'queued' AND starts_with(lease_owner, %s)"


class LeaseLostError(Exception):
    """The job is no longer this worker's: another has it, or it was ended from outside."""


@dataclass(frozen=True)
class Job:
    """A claimed job: what is to be done."""

    id: UUID
    collection: str
    paths: Sequence[str] | None
    force: bool
    request_id: str | None


class Leases:
    """Claims jobs for this process; all methods raise DatabaseUnavailableError while the database is away.

    Args:
        process: a name that no other process has; what it has again after a restart, it goes on with.
        own: whether it claims those jobs alone that it has accepted itself.
    """

    def __init__(self, database: Database, process: str, *, seconds: float, own: bool = False) -> None:
        self._database = database
        self._process = f"{process}:"  # or one could begin with another's
        self._own = own
        self._seconds = seconds

    async def accept(self, cursor: AsyncCursor[DictRow], job: UUID) -> None:
        """Keep a new job for this process until it has claimed it, or the lease is over."""
        await cursor.execute(_ACCEPT, {"id": job, "process": self._process, "seconds": self._seconds})

    async def claim(self) -> "Lease | None":
        """The oldest job that waits for this worker or for any, and whose collection no other works on."""
        owner = f"{self._process}{token_hex(4)}"  # one for each claim, or a process could be mistaken for itself
        values = {"owner": owner, "process": self._process, "own": self._own, "seconds": self._seconds}
        async with transaction(self._database) as cursor:
            await cursor.execute(_SERIALISE)
            await cursor.execute(_CLAIM, values)
            row = await cursor.fetchone()
            await cursor.execute(_OPEN)
            counts = {found["state"]: found["jobs"] for found in await cursor.fetchall()}
        for state in ("queued", "running"):
            OPEN_JOBS.labels(state).set(counts.get(state, 0))
        return Lease(self._database, Job(**row), owner, self._seconds) if row else None

    async def release_earlier(self) -> None:
        """End the leases that this process held before it was restarted."""
        async with transaction(self._database) as cursor:
            await cursor.execute(_RELEASE_EARLIER, (self._process,))

    async def leave(self) -> None:
        """Let any worker have what this process has accepted and not begun."""
        try:
            async with asyncio.timeout(RELEASE_S), transaction(self._database) as cursor:
                await cursor.execute(_LEAVE, (self._process,))
        except (DatabaseUnavailableError, TimeoutError):
            return

    async def prune(self) -> None:
        """Forget jobs that ended long ago."""
        async with transaction(self._database) as cursor:
            await cursor.execute(_PRUNE, (KEPT_DAYS,))


class Lease:
    """The right to work on a job, as long as it is renewed."""

    def __init__(self, database: Database, job: Job, owner: str, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self.job = job
        self._values = {"id": job.id, "owner": owner, "seconds": seconds}

    @asynccontextmanager
    async def held(self) -> AsyncIterator[AsyncCursor[DictRow]]:
        """A transaction that holds the job's row, so that the job stays ours until its end; raises LeaseLostError."""
        async with transaction(self._database) as cursor:
            await cursor.execute(_EXTEND, self._values)
            if cursor.rowcount == 0:
                raise LeaseLostError
            yield cursor

    async def keep(self) -> None:
        """Renew until the lease is lost."""
        while True:
            await asyncio.sleep(self._seconds / 3)
            try:
                async with self.held():
                    pass
            except DatabaseUnavailableError:
                continue  # nobody else can take the job either; the next transaction tells
            except LeaseLostError:
                return

    async def count(self, total: int) -> None:
        """Record how many documents the job has to deal with."""
        async with self.held() as cursor:
            await cursor.execute("UPDATE rag.ingestion_jobs SET total = %s WHERE id = %s", (total, self.job.id))

    async def finish(self, state: str, reason: str | None = None) -> None:
        """Record the job's end."""
        async with self.held() as cursor:
            await cursor.execute(
                "UPDATE rag.ingestion_jobs SET state = %s, reason = %s, finished_at = clock_timestamp(),"
                " lease_owner = NULL, lease_until = NULL WHERE id = %s",
                (state, reason, self.job.id),
            )
            if state == "failed":  # with documents written, perhaps, that were not recorded any more
                await versions.bump(cursor, self.job.collection)

    async def release(self) -> None:
        """Let another worker go on at once; without the database the lease runs out by itself."""
        try:
            async with asyncio.timeout(RELEASE_S), self.held() as cursor:
                await cursor.execute(
                    "UPDATE rag.ingestion_jobs SET lease_until = 'epoch' WHERE id = %s", (self.job.id,)
                )
        except (DatabaseUnavailableError, LeaseLostError, TimeoutError):
            return
