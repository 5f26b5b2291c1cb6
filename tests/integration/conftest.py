"""One real Postgres for every test that asks for it, empty before each."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import PASSWORD, Postgres, postgres

TABLES = (
    "rag.collections, rag.documents, rag.ingestion_jobs, rag.job_documents, rag.query_log, rag.breaker_events,"
    " rag.collection_versions"
)


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def database_server(running_postgres: Postgres) -> Postgres:
    """The server with no row in it; a test may stop it."""
    if running_postgres.process is None:
        running_postgres.start()
    with psycopg.connect(running_postgres.url, password=PASSWORD) as connection:
        connection.execute(f"TRUNCATE {TABLES}")
    return running_postgres


@pytest.fixture
def sql(database_server: Postgres) -> Iterator[psycopg.Connection]:
    """A connection of the test's own."""
    with psycopg.connect(database_server.url, password=PASSWORD, autocommit=True) as connection:
        yield connection
