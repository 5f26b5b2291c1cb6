"""The query log in its real table."""

from dataclasses import fields
from datetime import UTC, datetime

import psycopg
import pytest
from pydantic import SecretStr

from services.common.clients import inserting
from services.common.database import Database
from services.query.query_log import Entry, QueryLog
from tests.postgres import PASSWORD, Postgres
from tests.protections import protection
from tests.servers import eventually


def entry(question: str) -> Entry:
    return Entry(datetime.now(UTC), "one", None, "search", "docs", question, 404, 2, 0.5, 1.25, "live")


async def test_an_entry_becomes_a_row(database_server: Postgres, sql: psycopg.Connection) -> None:
    written = entry("why? \\ \t\n \u00fc")
    async with Database(database_server.url, SecretStr(PASSWORD), protection=protection()) as database:
        await inserting(database, "query_log", Entry)([written, entry("another")])
    columns = ", ".join(field.name for field in fields(Entry))
    row = sql.execute(f"SELECT {columns} FROM rag.query_log WHERE question <> 'another'").fetchone()
    assert row == tuple(vars(written).values())


async def test_what_the_table_refuses_is_dropped_and_what_was_asked_is_not_logged(
    database_server: Postgres, sql: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        Database(database_server.url, SecretStr(PASSWORD), protection=protection()) as database,
        QueryLog(inserting(database, "query_log", Entry), capacity=10) as log,
    ):
        log.add(entry("a private question with a \0"))
        await eventually(lambda: caplog.records)
        log.add(entry("good"))
    assert sql.execute("SELECT question FROM rag.query_log").fetchall() == [("good",)]
    assert "private" not in str([vars(record) for record in caplog.records])
