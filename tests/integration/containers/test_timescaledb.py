"""The schema on a real TimescaleDB: hypertables, compression, and what is held against a plain Postgres."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.targets.local import health
from infra.targets.services import DATABASE, DATABASE_USER
from tests.integration.containers.parts import eventually, image_of, running
from tests.integration.services.common import test_database as ours
from tests.ports import free_port
from tests.postgres import PASSWORD, Postgres

line, database = ours.line, ours.database
test_what_is_done_is_committed_and_what_fails_is_not = ours.test_what_is_done_is_committed_and_what_fails_is_not
test_what_is_wrong_with_a_statement_is_raised_as_it_is = ours.test_what_is_wrong_with_a_statement_is_raised_as_it_is
test_a_statement_that_takes_too_long_is_unavailability = ours.test_a_statement_that_takes_too_long_is_unavailability

HYPERTABLES = {"query_log", "breaker_events"}
NO_COLLECTIONS = Path("/nonexistent.json")


@pytest.fixture(scope="module")
def running_postgres(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    image, port = image_of(engine, "timescaledb"), free_port()
    server = Postgres(tmp_path_factory.mktemp("timescaledb"), port)
    server.password_file.write_text(PASSWORD)
    # It would set itself up for the whole machine's memory.
    environment = {"POSTGRES_PASSWORD": PASSWORD, "POSTGRES_USER": DATABASE_USER, "POSTGRES_DB": DATABASE}
    with running(image, {5432: port}, environment={**environment, "NO_TS_TUNE": "1"}):
        eventually(lambda: health.problem("postgres", port, "") is None, 60, "TimescaleDB takes connections")
        server.migrate(NO_COLLECTIONS)
        yield server


@pytest.fixture
def database_server(running_postgres: Postgres) -> Postgres:
    with psycopg.connect(running_postgres.url, password=PASSWORD) as connection:
        connection.execute("TRUNCATE rag.query_log, rag.breaker_events")
    return running_postgres


@pytest.fixture
def sql(database_server: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_server.url, password=PASSWORD, autocommit=True) as connection:
        yield connection


def rows(sql: psycopg.Connection, statement: str) -> list[Any]:
    return sql.execute(statement.encode()).fetchall()


POLICIES = """
SELECT hypertable_name, (config->>'compress_after')::interval = '7 days'::interval
FROM timescaledb_information.jobs WHERE proc_name IN ('policy_compression', 'policy_columnstore')
"""


def test_the_logs_are_hypertables_in_pieces_of_a_day(sql: psycopg.Connection) -> None:
    found = rows(sql, "SELECT hypertable_name, time_interval = '1 day' FROM timescaledb_information.dimensions")
    assert dict(found) == dict.fromkeys(HYPERTABLES, True)


def test_the_logs_are_compressed_after_seven_days(sql: psycopg.Connection) -> None:
    assert dict(rows(sql, POLICIES)) == dict.fromkeys(HYPERTABLES, True)


def test_what_is_older_is_compressed_when_its_job_runs_and_can_still_be_read(sql: psycopg.Connection) -> None:
    for days in (1, 10):
        sql.execute(ours.INSERT.replace("now()", f"now() - interval '{days} days'").encode())
    ((job,),) = rows(
        sql,
        "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name = 'query_log'"
        " AND proc_name IN ('policy_compression', 'policy_columnstore')",
    )
    sql.execute(f"CALL run_job({job})".encode())
    chunks = rows(
        sql,
        "SELECT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = 'query_log'"
        " ORDER BY range_start",
    )
    assert chunks == [(True,), (False,)]
    assert rows(sql, "SELECT count(*) FROM rag.query_log") == [(2,)]


def test_the_migrations_can_be_run_again(sql: psycopg.Connection, database_server: Postgres) -> None:
    versions = "SELECT version FROM rag.schema_migrations ORDER BY version"
    before = rows(sql, versions)
    database_server.migrate(NO_COLLECTIONS)
    assert rows(sql, versions) == before
    assert len(rows(sql, POLICIES)) == len(HYPERTABLES)


def test_a_dropped_schema_takes_its_policies_with_it_and_comes_back(
    sql: psycopg.Connection, database_server: Postgres
) -> None:
    sql.execute("DROP SCHEMA rag CASCADE")
    try:
        assert rows(sql, POLICIES) == []
    finally:
        database_server.migrate(NO_COLLECTIONS)
    assert dict(rows(sql, POLICIES)) == dict.fromkeys(HYPERTABLES, True)
