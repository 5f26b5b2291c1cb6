"""Collections' versions: what keeps an answer computed before a change from being served as fresh after it.

The version grows with each change, in the transaction that records it. Whoever serves cached answers polls the versions
and relies on what a poll found for LEASE_S after that poll began. Whoever made a change reports it done LEASE_S after
its commit at the earliest: by then nobody relies on the version before. No two clocks are compared.
"""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from services.common.database import Database

LEASE_S = 1.0

_BUMP = (
    "INSERT INTO rag.collection_versions AS present (collection, version) VALUES (%s, 1)"
    " ON CONFLICT (collection) DO UPDATE SET version = present.version + 1"
)


async def bump(transaction: AsyncConnection[Any] | AsyncCursor[Any], collection: str) -> None:
    """Note in this transaction that the collection's content has changed: the vectors first, then this."""
    await transaction.execute(_BUMP, (collection,))


async def read(database: Database) -> Mapping[str, int]:
    """Each collection's version; one that never changed is left out. Raises DatabaseUnavailableError, psycopg.Error.

    Past the breaker: a look four times a second would open it within a moment of the database's absence.
    """
    async with database.unguarded() as connection:
        cursor = await connection.execute("SELECT collection, version FROM rag.collection_versions")
        return dict(await cursor.fetchall())
