"""Postgres (TimescaleDB): a pool that lets its service start and serve while the database is away."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr

from services.common import deadline
from services.common.attempts import attempt
from services.common.deadline import DeadlineExceededError
from services.common.errors import UnavailableError
from services.common.protection import Protection

CONNECT_TIMEOUT_S = 2
ACQUIRE_TIMEOUT_S = 1.0
STATEMENT_TIMEOUT_S = 5.0  # the database's own limit
CLOSE_TIMEOUT_S = 1.0
GRACE_S = 1.0  # beyond it, a transaction that has not ended has lost its connection

CONNECTIONS = 4
QUEUE = 64  # calls that wait for a connection

log = logging.getLogger(__name__)


class DatabaseUnavailableError(UnavailableError):
    """The database refused, hung or broke; it is tried afresh at the next call."""


@contextmanager
def _cut_after(seconds: float, connection: AsyncConnection[Any]) -> Iterator[None]:
    """Break the connection if the body takes longer, so that whatever waits for it fails at once.

    Cancelling would not do: psycopg first asks the server to end the statement, and one that hangs for ten seconds.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: AsyncConnection[Any]) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


async def _check(connection: AsyncConnection[Any]) -> None:
    with _cut_after(ACQUIRE_TIMEOUT_S, connection):
        await AsyncConnectionPool.check_connection(connection)


class Database:
    """Hands out connections of a small pool; each call fails fast while the database is away."""

    def __init__(
        self, url: str, password: SecretStr | None = None, *, protection: Protection, connections: int = CONNECTIONS
    ) -> None:
        self._protection = protection
        self._ok = True
        self._pool = AsyncConnectionPool(
            url,
            kwargs={
                "password": password.get_secret_value() if password else None,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "options": f"-c statement_timeout={int(STATEMENT_TIMEOUT_S * 1000)}",
            },
            min_size=0,
            max_size=connections,
            timeout=ACQUIRE_TIMEOUT_S,
            reconnect_timeout=ACQUIRE_TIMEOUT_S,  # the next call tries afresh: no background retries, ever rarer
            check=_check,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close(timeout=CLOSE_TIMEOUT_S)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection in a transaction, committed at the end; raises DatabaseUnavailableError within seconds.

        What is wrong with a statement itself (psycopg.ProgrammingError, IntegrityError …) is raised as it is.
        """
        async with self._protection.call(DatabaseUnavailableError), self.unguarded() as connection:
            yield connection

    @asynccontextmanager
    async def unguarded(self) -> AsyncIterator[AsyncConnection[Any]]:
        """`connection` for looks in the background: the breaker is not asked, and learns nothing by them."""
        try:
            with ExitStack() as limit:  # around the commit too
                wait_s = deadline.within(ACQUIRE_TIMEOUT_S)
                with attempt("timescaledb"):
                    async with self._pool.connection(wait_s) as connection:
                        limit.enter_context(_cut_after(deadline.within(STATEMENT_TIMEOUT_S + GRACE_S), connection))
                        yield connection
        except psycopg.OperationalError as error:
            if deadline.over():
                raise DeadlineExceededError("the database has not answered within the request's time") from error
            self._note(ok=False, error=error)
            raise DatabaseUnavailableError(f"database: {type(error).__name__}") from error
        self._note(ok=True)

    def _note(self, *, ok: bool, error: Exception | None = None) -> None:
        if ok != self._ok:
            self._ok = ok
            log.log(logging.INFO if ok else logging.WARNING, "database %s", "is back" if ok else f"lost: {error}")

    async def ping(self) -> None:
        """Raise DatabaseUnavailableError unless the database answers; the breaker is not asked."""
        async with self.unguarded() as connection:
            await connection.execute("SELECT 1")
