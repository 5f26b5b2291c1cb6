"""A service's way to its tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row

from services.common.database import Database, DatabaseUnavailableError


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[AsyncCursor[DictRow]]:
    """A cursor in a transaction; raises DatabaseUnavailableError, also while the schema is missing."""
    try:
        async with database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            yield cursor
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise DatabaseUnavailableError("database: it lacks the schema; its migrations have not run") from error
