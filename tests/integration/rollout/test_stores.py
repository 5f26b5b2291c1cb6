import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.commands.replicas import UnansweredError
from infra.migrate import MIGRATIONS
from infra.probes.database import Login, migrations
from infra.rollout import stores
from infra.rollout.deployment import RolloutError
from infra.rollout.measurements import Replicas, Schema
from infra.targets.services import DATABASE, DATABASE_USER
from tests.postgres import PASSWORD, Postgres


@pytest.fixture
def login(database_server: Postgres) -> Login:
    return Login(database_server.port, DATABASE_USER, DATABASE, PASSWORD)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "99990101000000_note.sql").write_text(
        "-- migrate:up\nALTER TABLE rag.collections ADD COLUMN note text;\n"
        "-- migrate:down\nALTER TABLE rag.collections DROP COLUMN note;\n"
    )
    return folder


@pytest.fixture
def databases(sql: psycopg.Connection) -> Iterator[None]:
    """None is left that was not there."""
    before = sql.execute("SELECT datname FROM pg_database").fetchall()
    yield
    assert sql.execute("SELECT datname FROM pg_database").fetchall() == before


@pytest.mark.usefixtures("databases")
def test_a_database_is_held_to_what_its_migrations_make(login: Login, newer: Path, sql: psycopg.Connection) -> None:
    wanted = stores.wanted(login, [MIGRATIONS])
    assert wanted.version == max(migrations())
    found = stores.schema(login, wanted)
    assert found == Schema(wanted.version, wanted.version, wanted.catalog, wanted.catalog)

    more = stores.wanted(login, [MIGRATIONS, newer])
    assert more.version == "99990101000000"
    assert more.catalog != wanted.catalog

    sql.execute("ALTER TABLE rag.collections ADD COLUMN note text")
    try:
        changed = stores.schema(login, more)
        assert changed == Schema(more.version, wanted.version, more.catalog, more.catalog)
    finally:
        sql.execute("ALTER TABLE rag.collections DROP COLUMN note")


@pytest.mark.usefixtures("databases")
def test_migrations_that_make_no_schema_are_told_by_what_they_said(login: Login, newer: Path) -> None:
    (newer / "99990101000000_note.sql").write_text("-- migrate:up\nSELECT nothing;\n-- migrate:down\n")
    with pytest.raises(stores.UnknownSchemaError, match='column "nothing" does not exist'):
        stores.wanted(login, [newer])
    stores.wanted(login, [MIGRATIONS])  # in the place of what the failed one left


def test_every_collection_has_a_later_version_when_its_answers_are_outdated(
    login: Login, sql: psycopg.Connection
) -> None:
    sql.execute("INSERT INTO rag.collection_versions VALUES ('docs', 3), ('inbox', 8)")
    stores.outdate_answers(login)
    assert sql.execute("SELECT * FROM rag.collection_versions ORDER BY 1").fetchall() == [("docs", 4), ("inbox", 9)]
    with pytest.raises(RolloutError, match="the cached answers are not outdated"):
        stores.outdate_answers(replace(login, port=1))


def test_a_database_that_is_away_is_unknown(login: Login) -> None:
    away = Login(1, login.user, login.database, login.password)
    assert stores.schema(away, stores.Wanted("1", "a")) is None


class Told:
    """A collections service that has compared the nodes."""

    def __init__(self, *reports: dict[str, Any]) -> None:
        self._reports = reports

    def call(self, _method: str, _path: str) -> Any:
        if not self._reports:
            raise UnansweredError("no answer")
        return {"collections": self._reports}


def report(*, consistent: bool | None, differing: int = 0) -> dict[str, Any]:
    return {"consistent": consistent, "differing": differing, "replicas": [{"points": 5}, {"points": 4}]}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (Told(report(consistent=True), report(consistent=True)), Replicas(10, 0)),
        (Told(report(consistent=True), report(consistent=False, differing=2)), Replicas(10, 2)),
        (Told(report(consistent=None), report(consistent=False, differing=2)), Replicas(10, 2)),
        (Told(report(consistent=None), report(consistent=True)), None),  # a node is away
        (Told(), None),
    ],
)
def test_what_the_nodes_hold_is_compared_or_unknown(told: Told, found: Replicas | None) -> None:
    assert stores.replicas(told) == found
