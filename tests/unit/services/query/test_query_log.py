import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import sql
from starlette.requests import ClientDisconnect

from services.common.database import Database, DatabaseUnavailableError
from services.common.errors import NotFoundError
from services.common.qdrant import Hit
from services.query import query_log
from services.query.query_log import Entry, QueryLog, writer
from tests.servers import eventually


class Table:
    """The database's table, which can be away or refuse."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []
        self.writes: list[int] = []
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, entries: Sequence[Entry]) -> None:
        self.writes.append(len(entries))
        await self.open.wait()
        if self.error:
            raise self.error
        self.rows.extend(entries)


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"LINGER_S": 0.0, "RETRY_S": 0.002, "FLUSH_S": 0.05}.items():
        monkeypatch.setattr(query_log, name, seconds)


@pytest.fixture
def table() -> Table:
    return Table()


def entry(question: str = "why?") -> Entry:
    return Entry(datetime.now(UTC), "one", "app", "search", "docs", question)


def outcome(name: str) -> float:
    return REGISTRY.get_sample_value("query_log_entries_total", {"outcome": name}) or 0.0


async def test_entries_are_written_in_order(table: Table) -> None:
    before = outcome("written")
    async with QueryLog(table.write, capacity=10) as log:
        for question in "abc":
            log.add(entry(question))
        await eventually(lambda: len(table.rows) == 3)
    assert [row.question for row in table.rows] == ["a", "b", "c"]
    assert outcome("written") == before + 3


async def test_what_comes_together_is_written_together_up_to_a_batch(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_log, "BATCH", 4)
    async with QueryLog(table.write, capacity=10) as log:
        for _ in range(6):
            log.add(entry())
        await eventually(lambda: len(table.rows) == 6)
    assert table.writes == [4, 2]


async def test_a_full_log_drops_and_counts_and_never_waits(table: Table) -> None:
    table.open.clear()
    dropped = outcome("dropped")
    async with QueryLog(table.write, capacity=2) as log:
        log.add(entry("being written"))
        await eventually(lambda: table.writes)
        for question in "abcd":
            log.add(entry(question))  # no await: a caller that had to wait could not go on
        assert outcome("dropped") == dropped + 2
        assert REGISTRY.get_sample_value("query_log_pending") == 2
        table.open.set()
        await eventually(lambda: len(table.rows) == 3)
    assert [row.question for row in table.rows] == ["being written", "a", "b"]


@pytest.mark.parametrize("error", [DatabaseUnavailableError("away"), psycopg.errors.UndefinedTable("no table")])
async def test_entries_wait_until_the_database_is_back(table: Table, error: Exception) -> None:
    table.error = error
    async with QueryLog(table.write, capacity=10) as log:
        log.add(entry("a"))
        await eventually(lambda: len(table.writes) >= 3)
        table.error = None
        await eventually(lambda: table.rows)
    assert [row.question for row in table.rows] == ["a"]


@pytest.mark.parametrize("error", [psycopg.DataError("bad: why?"), psycopg.IntegrityError("no: why?")])
async def test_entries_that_the_database_refuses_as_such_are_dropped_and_do_not_hold_up_others(
    table: Table, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    dropped = outcome("dropped")
    table.error = error
    async with QueryLog(table.write, capacity=10) as log:
        log.add(entry("bad"))
        await eventually(lambda: outcome("dropped") == dropped + 1)
        table.error = None
        log.add(entry("good"))
        await eventually(lambda: table.rows)
    assert [row.question for row in table.rows] == ["good"]
    (record,) = caplog.records
    assert (record.message, vars(record)["error"]) == ("query log entries refused", type(error).__name__)


async def test_a_shutdown_writes_what_is_left(table: Table) -> None:
    async with QueryLog(table.write, capacity=10) as log:
        log.add(entry("last"))
    assert [row.question for row in table.rows] == ["last"]


async def test_a_shutdown_without_the_database_counts_everything_that_is_lost(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    dropped = outcome("dropped")
    table.error = DatabaseUnavailableError("away")
    async with QueryLog(table.write, capacity=10) as log:
        log.add(entry("being written"))
        await eventually(lambda: table.writes)
        log.add(entry("waiting"))
    assert outcome("dropped") == dropped + 2
    (record,) = [r for r in caplog.records if r.message == "query log lost entries at shutdown"]
    assert vars(record)["entries"] == 2


async def test_a_defect_of_the_writer_does_not_end_it(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    dropped = outcome("dropped")
    table.error = UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
    async with QueryLog(table.write, capacity=10) as log:
        log.add(entry("bad"))
        await eventually(lambda: outcome("dropped") == dropped + 1)
        table.error = None
        log.add(entry("good"))
        await eventually(lambda: table.rows)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("no such collection"), 404),
        (DatabaseUnavailableError("away"), 503),
        (ClientDisconnect(), 499),
        (asyncio.CancelledError(), 499),
        (GeneratorExit(), 499),
        (ValueError("a defect"), 500),
    ],
)
async def test_the_status_says_how_it_ended(table: Table, error: BaseException, status: int) -> None:
    log = QueryLog(table.write, capacity=10)
    with pytest.raises(type(error)), log.recording("search", "docs", "why?", None) as recorded:
        _find_and_fail(recorded, error)
    assert (recorded.status, recorded.results, recorded.top_score) == (status, 1, 0.5)


def _find_and_fail(recorded: Entry, error: BaseException) -> None:
    recorded.found([Hit(1, 0.5, {})])
    raise error


async def test_what_ends_well_is_200_and_timed(table: Table) -> None:
    log = QueryLog(table.write, capacity=10)
    with log.recording("search", "docs", "why?", "app") as recorded:
        recorded.found([])
        await asyncio.sleep(0.002)
    assert (recorded.status, recorded.top_score, recorded.took_ms >= 2) == (200, None, True)
    assert recorded.asked_at.tzinfo is UTC


class Copy:
    """As much of a psycopg connection as a COPY takes."""

    def __init__(self) -> None:
        self.statement = ""
        self.rows: list[Sequence[Any]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Copy"]:
        yield self

    @asynccontextmanager
    async def cursor(self) -> AsyncIterator["Copy"]:
        yield self

    @asynccontextmanager
    async def copy(self, statement: sql.Composed) -> AsyncIterator["Copy"]:
        self.statement = statement.as_string()
        yield self

    async def write_row(self, row: Sequence[Any]) -> None:
        self.rows.append(row)


async def test_the_writer_copies_each_field_into_the_column_of_its_name() -> None:
    database, one = Copy(), entry()
    await writer(cast("Database", database))([one, one])
    columns = ", ".join(f'"{field.name}"' for field in fields(Entry))
    assert database.statement == f"COPY rag.query_log ({columns}) FROM STDIN"
    assert database.rows == [tuple(vars(one).values())] * 2
