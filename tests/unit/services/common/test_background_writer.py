import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from prometheus_client import REGISTRY

from services.common import background_writer
from services.common.background_writer import BackgroundWriter
from services.common.database import DatabaseUnavailableError
from tests.servers import eventually


class Table:
    """The database's table, which can be away or refuse."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.writes: list[int] = []
        self.error: Exception | None = None
        self.bad: dict[str, Exception] = {}  # what the table does not take, and how it says so
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, entries: Sequence[str]) -> None:
        self.writes.append(len(entries))
        await self.open.wait()
        for error in (self.error, *map(self.bad.get, entries)):
            if error:
                raise error
        self.rows.extend(entries)


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"RETRY_S": 0.002, "FLUSH_S": 0.05}.items():
        monkeypatch.setattr(background_writer, name, seconds)


@pytest.fixture
def table() -> Table:
    return Table()


def writing(table: Table, capacity: int = 10) -> BackgroundWriter[str]:
    return BackgroundWriter(table.write, capacity=capacity, name="notes", linger_s=0.0)


def outcome(name: str) -> float:
    return REGISTRY.get_sample_value("background_entries_total", {"name": "notes", "outcome": name}) or 0.0


async def test_entries_are_written_in_order(table: Table) -> None:
    before = outcome("written")
    async with writing(table) as writer:
        for entry in "abc":
            writer.add(entry)
        await eventually(lambda: len(table.rows) == 3)
    assert table.rows == ["a", "b", "c"]
    assert outcome("written") == before + 3


async def test_what_comes_together_is_written_together_up_to_a_batch(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_writer, "BATCH", 4)
    async with writing(table) as writer:
        for entry in "abcdef":
            writer.add(entry)
        await eventually(lambda: len(table.rows) == 6)
    assert table.writes == [4, 2]


async def test_a_full_queue_drops_and_counts_and_never_waits(table: Table) -> None:
    table.open.clear()
    dropped = outcome("dropped")
    async with writing(table, capacity=2) as writer:
        writer.add("being written")
        await eventually(lambda: table.writes)
        for entry in "abcd":
            writer.add(entry)  # no await: a caller that had to wait could not go on
        assert outcome("dropped") == dropped + 2
        assert REGISTRY.get_sample_value("background_pending", {"name": "notes"}) == 2
        table.open.set()
        await eventually(lambda: len(table.rows) == 3)
    assert table.rows == ["being written", "a", "b"]


@pytest.mark.parametrize("error", [DatabaseUnavailableError("away"), psycopg.errors.UndefinedTable("no table")])
async def test_entries_wait_until_the_database_is_back(table: Table, error: Exception) -> None:
    table.error = error
    async with writing(table) as writer:
        writer.add("a")
        await eventually(lambda: len(table.writes) >= 3)
        table.error = None
        await eventually(lambda: table.rows)
    assert table.rows == ["a"]


@pytest.mark.parametrize(
    ("error", "logged", "level"),
    [
        (psycopg.DataError("bad: why?"), "entry refused", "WARNING"),
        (psycopg.IntegrityError("no: why?"), "entry refused", "WARNING"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), "entry dropped", "ERROR"),
    ],
)
async def test_an_entry_that_cannot_be_written_is_dropped_alone(
    table: Table, error: Exception, logged: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    dropped, written = outcome("dropped"), outcome("written")
    table.bad = {"d": error}
    async with writing(table) as writer:
        for entry in "abcdefg":
            writer.add(entry)
        await eventually(lambda: len(table.rows) == 6)
        writer.add("h")
        await eventually(lambda: "h" in table.rows)
    assert "".join(table.rows) == "abcefgh"
    assert (outcome("dropped"), outcome("written")) == (dropped + 1, written + 7)
    (record,) = caplog.records
    assert (record.message, record.levelname, vars(record)["of"]) == (logged, level, "notes")
    assert "why?" not in str(vars(record))


async def test_a_shutdown_writes_what_is_left(table: Table) -> None:
    async with writing(table) as writer:
        writer.add("last")
    assert table.rows == ["last"]


async def test_a_shutdown_without_the_database_counts_everything_that_is_lost(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    dropped = outcome("dropped")
    table.error = DatabaseUnavailableError("away")
    async with writing(table) as writer:
        writer.add("being written")
        await eventually(lambda: table.writes)
        writer.add("waiting")
    assert outcome("dropped") == dropped + 2
    (record,) = [r for r in caplog.records if r.message == "entries lost at shutdown"]
    assert vars(record)["entries"] == 2
