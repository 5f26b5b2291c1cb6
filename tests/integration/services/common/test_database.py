"""`Database` with a real Postgres behind a connection that can stop to deliver."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from pydantic import SecretStr

from services.common import database as module
from services.common.database import Database, DatabaseUnavailableError
from tests.postgres import PASSWORD, Postgres
from tests.protections import protection
from tests.servers import eventually


class Line:
    """A connection to the database on which nothing moves while `moves` is not set, as behind a broken switch."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.moves = asyncio.Event()
        self.moves.set()
        self._pumps: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"postgresql://breakwater@127.0.0.1:{server.sockets[0].getsockname()[1]}/rag"
        yield
        server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_database, to_database = await asyncio.open_connection("127.0.0.1", self.port)
        for pump in (self._pump(reader, to_database), self._pump(from_database, writer)):
            self._pumps.add(asyncio.create_task(pump))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.moves.wait()
                sink.write(data)
        finally:
            sink.close()


@pytest.fixture
async def line(database_server: Postgres) -> AsyncIterator[Line]:
    line = Line(database_server.port)
    async with line.open():
        yield line


@pytest.fixture
async def database(line: Line, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(module, "ACQUIRE_TIMEOUT_S", 0.3)
    monkeypatch.setattr(module, "STATEMENT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(module, "GRACE_S", 0.2)
    async with Database(line.url, SecretStr(PASSWORD), protection=protection()) as database:
        yield database


async def count(database: Database) -> int:
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM rag.query_log")
        (rows,) = await cursor.fetchall()
        return int(rows[0])


INSERT = """
INSERT INTO rag.query_log (asked_at, kind, collection, question, status, results, took_ms)
VALUES (now(), 'search', 'docs', 'why?', 200, 0, 1)
"""


async def test_what_is_done_is_committed_and_what_fails_is_not(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(INSERT)
    with pytest.raises(ValueError, match="no"):
        await _insert_and_fail(database)
    assert await count(database) == 1


async def _insert_and_fail(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(INSERT)
        raise ValueError("no")


async def test_what_is_wrong_with_a_statement_is_raised_as_it_is(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await _execute(database, "SELECT 1 FROM rag.nothing")
    await database.ping()


async def _execute(database: Database, statement: str) -> None:
    async with database.connection() as connection:
        await connection.execute(statement)


async def test_a_statement_that_takes_too_long_is_unavailability(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="QueryCanceled"):
        await _execute(database, "SELECT pg_sleep(10)")
    await database.ping()


async def test_a_connection_that_hangs_fails_fast_and_the_next_ones_do_as_well(database: Database, line: Line) -> None:
    await database.ping()
    line.moves.clear()
    for _ in range(2):
        started = time.perf_counter()
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()
        assert time.perf_counter() - started < 1
    line.moves.set()
    await _recovers(database)


async def test_a_connection_that_hangs_in_the_middle_fails_within_the_limit(database: Database, line: Line) -> None:
    started = time.perf_counter()
    with pytest.raises(DatabaseUnavailableError):
        await _hang_between(database, line)
    assert time.perf_counter() - started < 1.5
    line.moves.set()
    await _recovers(database)


async def _hang_between(database: Database, line: Line) -> None:
    async with database.connection() as connection:
        await connection.execute(INSERT)
        line.moves.clear()


async def _recovers(database: Database) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await database.ping()
        except DatabaseUnavailableError:
            assert time.monotonic() < deadline


async def test_a_lost_database_and_its_return_are_logged_once(
    database: Database, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=module.__name__)
    await database.ping()
    line.moves.clear()
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()
    line.moves.set()
    await _recovers(database)
    said = [(r.levelname, r.message) for r in caplog.records if r.name == module.__name__]
    assert [level for level, _ in said] == ["WARNING", "INFO"]
    assert said[0][1].startswith("database lost: ")
    assert said[1][1] == "database is back"


async def test_no_more_connections_are_opened_than_allowed(line: Line) -> None:
    async with Database(line.url, SecretStr(PASSWORD), protection=protection(), connections=2) as database:
        held = [database.connection() for _ in range(2)]
        pids = [(await connection.__aenter__()).info.backend_pid for connection in held]
        waiting = asyncio.create_task(count(database))
        await eventually(lambda: len(asyncio.all_tasks()) > 1)
        assert not waiting.done()
        for connection in held:
            await connection.__aexit__(None, None, None)
        assert len(set(pids)) == 2
        assert await waiting == 0
