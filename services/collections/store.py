"""What the database knows of collections, and of the documents in them."""

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from services.common import versions
from services.common.collections import Collection
from services.common.database import Database
from services.common.errors import ConflictError, NotFoundError
from services.common.tables import transaction

_OF_STATUS = "collection = %(name)s AND (%(status)s::text IS NULL OR status = %(status)s)"
_COUNT = f"SELECT count(*) AS total FROM rag.documents WHERE {_OF_STATUS}"  # noqa: S608 - made of constants
_DOCUMENTS = f"""
SELECT path, status, reason, chunks, title, format, size, content_hash, indexed_at
FROM rag.documents WHERE {_OF_STATUS} ORDER BY path LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 - made of constants
_STATS = """
SELECT count(*) AS documents,
       count(*) FILTER (WHERE status = 'indexed') AS indexed,
       count(*) FILTER (WHERE status = 'failed') AS failed,
       coalesce(sum(chunks), 0)::bigint AS chunks,
       (SELECT count(*) FROM rag.ingestion_jobs WHERE collection = %(name)s AND state IN ('queued', 'running'))
           AS open_jobs
FROM rag.documents WHERE collection = %(name)s
"""
_LAST_JOB = """
SELECT id, state, reason, created_at, finished_at FROM rag.ingestion_jobs
WHERE collection = %s ORDER BY created_at DESC LIMIT 1
"""


class Store:
    """The collections' rows and what belongs to them; every method raises DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, collection: Collection) -> None:
        """Add a collection; raises ConflictError if there is one of that name."""
        columns = collection.model_dump()
        statement = sql.SQL(
            "INSERT INTO rag.collections ({}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING name"
        ).format(sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns)))
        if await self._one(statement, columns) is None:
            raise ConflictError(f"collection {collection.name!r} exists already")

    async def update(self, collection: Collection) -> None:
        """Change a collection's row; raises NotFoundError if there is none."""
        columns = collection.model_dump(exclude={"name"})
        changes = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(c), sql.Placeholder(c)) for c in columns)
        statement = sql.SQL(
            "UPDATE rag.collections SET {}, updated_at = now() WHERE name = %(name)s RETURNING name"
        ).format(changes)
        if await self._one(statement, collection.model_dump()) is None:
            raise _missing(collection.name)

    async def close(self, name: str) -> None:
        """Disable a collection and end its jobs, so that nothing writes to it; raises NotFoundError."""
        async with transaction(self._database) as cursor:
            await cursor.execute("UPDATE rag.collections SET enabled = false WHERE name = %s", [name])
            if cursor.rowcount == 0:
                raise _missing(name)
            await cursor.execute(
                "UPDATE rag.ingestion_jobs SET state = 'failed', reason = 'the collection was deleted', "
                "finished_at = now() WHERE collection = %s AND state IN ('queued', 'running')",
                [name],
            )

    async def delete(self, name: str) -> None:
        """Remove a collection's row and the record of its documents, once its vectors are gone."""
        async with transaction(self._database) as cursor:
            await cursor.execute("DELETE FROM rag.documents WHERE collection = %s", [name])
            await cursor.execute("DELETE FROM rag.collections WHERE name = %s", [name])
            await versions.bump(cursor, name)

    async def documents(
        self, name: str, *, status: str | None, limit: int, offset: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many documents there are (of that status), and those from `offset` on, by path."""
        values = {"name": name, "status": status, "limit": limit, "offset": offset}
        async with transaction(self._database) as cursor:
            await cursor.execute(_COUNT, values)
            (count,) = await cursor.fetchall()
            await cursor.execute(_DOCUMENTS, values)
            return count["total"], await cursor.fetchall()

    async def stats(self, name: str) -> dict[str, Any]:
        """The numbers of documents, by status, and of chunks; the jobs not ended yet; the newest job or None."""
        async with transaction(self._database) as cursor:
            await cursor.execute(_STATS, {"name": name})
            numbers = await cursor.fetchone()
            await cursor.execute(_LAST_JOB, [name])
            return {**(numbers or {}), "last_job": await cursor.fetchone()}

    async def paths_below(self, name: str, folder: str) -> list[str]:
        """The documents recorded below a folder of the collection."""
        async with transaction(self._database) as cursor:
            await cursor.execute(
                "SELECT path FROM rag.documents WHERE collection = %s AND starts_with(path, %s)", [name, f"{folder}/"]
            )
            return [row["path"] for row in await cursor.fetchall()]

    async def _one(self, statement: sql.Composed, values: Mapping[str, Any]) -> object:
        async with transaction(self._database) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchone()


def _missing(name: str) -> NotFoundError:
    return NotFoundError(f"collection {name!r} does not exist")
