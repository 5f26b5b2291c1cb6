"""What the migrations make of a real Postgres, and what is found when something of it is gone."""

import psycopg
import pytest

from infra.drift.drift import Drift
from infra.probes.database import Login, compare, make_index, migrations, read, stated
from infra.probes.http import SilentError
from tests.postgres import PASSWORD, Postgres

INDEX = "rag.query_log_asked_at"


def login(server: Postgres) -> Login:
    return Login(server.port, "breakwater", "rag", PASSWORD)


def drift(server: Postgres) -> list[Drift]:
    return list(compare(stated(), migrations(), read(login(server))))


def test_the_stated_schema_is_the_one_that_the_migrations_make(database_server: Postgres) -> None:
    assert drift(database_server) == [], f"run: python -m infra.probes.database {database_server.url}"


def test_a_dropped_index_is_told_and_made_again(database_server: Postgres, sql: psycopg.Connection) -> None:
    sql.execute("DROP INDEX rag.query_log_asked_at")
    (told,) = drift(database_server)
    assert told.place == ("timescaledb", "index", INDEX)
    make_index(login(database_server), told.wanted)
    assert drift(database_server) == []


def test_collections_are_known_with_those_of_which_documents_are_indexed(
    database_server: Postgres, sql: psycopg.Connection
) -> None:
    for name in ("docs", "empty"):
        sql.execute("INSERT INTO rag.collections (name, directory, embedding_model) VALUES (%s, 'd', 'm')", [name])
    sql.execute("INSERT INTO rag.documents (collection, path, status, chunks) VALUES ('docs', 'a', 'indexed', 1)")
    found = read(login(database_server))
    assert (set(found.collections), set(found.indexed)) == ({"docs", "empty"}, {"docs"})


def test_a_dropped_schema_is_told_as_migrations_that_are_not_applied(
    database_server: Postgres, sql: psycopg.Connection
) -> None:
    sql.execute("ALTER SCHEMA rag RENAME TO elsewhere")
    try:
        assert {told.kind for told in drift(database_server)} == {"migration"}
    finally:
        sql.execute("ALTER SCHEMA elsewhere RENAME TO rag")


def test_a_database_that_lets_nobody_in_is_silent(database_server: Postgres) -> None:
    with pytest.raises(SilentError, match="password authentication failed"):
        read(Login(database_server.port, "breakwater", "rag", "wrong"))
