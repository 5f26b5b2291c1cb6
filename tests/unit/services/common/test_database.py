import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from services.common import database
from services.common.database import Database, DatabaseUnavailableError
from tests.protections import protection
from tests.servers import REFUSING


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("ACQUIRE_TIMEOUT_S", "CLOSE_TIMEOUT_S"):
        monkeypatch.setattr(database, limit, 0.05)


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """The address of a database that takes connections and says nothing."""
    lines: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: lines.append(writer), "127.0.0.1", 0)
    yield f"postgresql://rag@127.0.0.1:{server.sockets[0].getsockname()[1]}/rag"
    server.close()
    for line in lines:
        line.close()


@asynccontextmanager
async def absent() -> AsyncIterator[str]:
    yield f"postgresql://rag@{REFUSING.removeprefix('http://')}/rag"


@pytest.mark.parametrize("away", [absent, silent])
async def test_a_database_that_is_away_fails_fast_every_time(away, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]  # one of the two above
    async with away() as url, Database(url, SecretStr("hidden"), protection=protection()) as gone:
        for _ in range(2):
            started = time.perf_counter()
            with pytest.raises(DatabaseUnavailableError) as told:
                await gone.ping()
            assert time.perf_counter() - started < 1
    assert told.value.detail == "database: PoolTimeout"
    assert told.value.response().headers["retry-after"] == "2"
    own = [record.message for record in caplog.records if record.name == database.__name__]
    assert len(own) == 1
    assert own[0].startswith("database lost: ")
    assert "hidden" not in caplog.text


async def test_callers_do_not_wait_for_one_another() -> None:
    async with silent() as url, Database(url, protection=protection()) as gone:
        started = time.perf_counter()
        answers = await asyncio.gather(*(gone.ping() for _ in range(20)), return_exceptions=True)
        assert time.perf_counter() - started < 1
    assert {type(answer) for answer in answers} == {DatabaseUnavailableError}
