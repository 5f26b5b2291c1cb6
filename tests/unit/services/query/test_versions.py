from collections.abc import Mapping

import psycopg
import pytest

from services.common.database import DatabaseUnavailableError
from services.common.versions import LEASE_S
from services.query import versions
from services.query.versions import Versions
from tests.servers import Clock, eventually


class Table:
    """The versions as the database has them, and how long it takes to say."""

    def __init__(self, clock: Clock) -> None:
        self.rows = {"docs": 7}
        self.takes_s = 0.0
        self.error: Exception | None = None
        self.reads = 0
        self._clock = clock

    async def read(self) -> Mapping[str, int]:
        self.reads += 1
        self._clock.now += self.takes_s
        if self.error:
            raise self.error
        return dict(self.rows)


async def test_a_version_holds_for_the_lease_and_no_longer() -> None:
    clock = Clock()
    known = Versions(Table(clock).read, clock=clock)
    assert known.current("docs") is None
    await known.poll()
    assert (known.current("docs"), known.current("never changed")) == (7, 0)
    clock.now += LEASE_S - 0.01
    assert known.current("docs") == 7
    clock.now += 0.01
    assert (known.current("docs"), known.current("never changed")) == (None, None)


async def test_the_lease_begins_before_the_database_is_asked() -> None:
    clock = Clock()
    table = Table(clock)
    known = Versions(table.read, clock=clock)
    table.takes_s = LEASE_S * 0.75
    await known.poll()
    assert known.current("docs") == 7
    clock.now += LEASE_S * 0.25
    assert known.current("docs") is None
    table.takes_s = LEASE_S
    await known.poll()
    assert known.current("docs") is None


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (DatabaseUnavailableError("away"), 0),
        (psycopg.errors.UndefinedTable("no table"), 0),
        (ValueError("a defect"), 1),
    ],
)
async def test_polling_goes_on_whatever_happens(
    error: Exception, logged: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(versions, "POLL_S", 0.001)
    clock = Clock()
    table = Table(clock)
    table.error = error
    async with Versions(table.read, clock=clock) as known:
        await eventually(lambda: table.reads)
        assert known.current("docs") is None
        table.error = None
        await eventually(lambda: known.current("docs") == 7)
        table.rows["docs"] = 8
        await eventually(lambda: known.current("docs") == 8)
    assert min(len(caplog.records), 1) == logged
