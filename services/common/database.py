"""Postgres (TimescaleDB): a pool that lets its service start and serve while the database is away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import SecretStr

from services.common.errors import UnavailableError

CONNECT_TIMEOUT_S = 2
ACQUIRE_TIMEOUT_S = 1.0
STATEMENT_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class DatabaseUnavailableError(UnavailableError):
    """The database refused, hung or broke; it is tried afresh at the next call."""


class Database:
    """Hands out connections of a small pool; each call fails fast while the database is away."""

    def __init__(self, url: str, password: SecretStr | None = None, *, max_size: int = 4) -> None:
        self._ok = True
        self._pool = AsyncConnectionPool(
            url,
            kwargs={
                "password": password.get_secret_value() if password else None,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "options": f"-c statement_timeout={int(STATEMENT_TIMEOUT_S * 1000)}",
            },
            min_size=0,
            max_size=max_size,
            timeout=ACQUIRE_TIMEOUT_S,
            reconnect_timeout=ACQUIRE_TIMEOUT_S,  # the next call tries afresh: no background retries, ever rarer
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close(timeout=1.0)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection in a transaction, committed at the end; raises DatabaseUnavailableError within seconds.

        What is wrong with a statement itself (psycopg.ProgrammingError, IntegrityError …) is raised as it is.
        """
        try:
            async with asyncio.timeout(STATEMENT_TIMEOUT_S + ACQUIRE_TIMEOUT_S), self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
            self._note(ok=False, error=error)
            raise DatabaseUnavailableError(f"database: {type(error).__name__}") from error
        self._note(ok=True)

    def _note(self, *, ok: bool, error: Exception | None = None) -> None:
        if ok != self._ok:
            self._ok = ok
            log.log(logging.INFO if ok else logging.WARNING, "database %s", "is back" if ok else f"lost: {error}")

    async def ping(self) -> None:
        """Raise DatabaseUnavailableError unless the database answers."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")
