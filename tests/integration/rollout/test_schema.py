"""A release's migrations on a real Postgres: forward, and back."""

from pathlib import Path

import psycopg
import pytest

from chaos.releases import MIGRATION, defective, good
from infra.probes.database import Definitions, Login, compare, migrations, read, stated
from infra.rollout import releases, schema
from infra.rollout.deployment import RolloutError
from infra.rollout.releases import Release, prepare
from tests.postgres import PASSWORD, Postgres

STABLE = releases.own()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path / "data"))


@pytest.fixture
def login(database_server: Postgres) -> Login:
    return Login(database_server.port, "breakwater", "rag", PASSWORD)


def columns(login: Login) -> Definitions:
    return {"column": read(login).definitions["column"]}


def whole(login: Login) -> bool:
    """Whether the database is as the stable release's migrations make it."""
    return list(compare(stated(), migrations(), read(login))) == []


def test_a_migration_comes_with_its_release_and_goes_with_it(login: Login, tmp_path: Path) -> None:
    new = prepare(str(good(tmp_path, migration=True)))
    schema.forward(login, new.name)
    assert "rag.query_log.noted" in columns(login)["column"]
    schema.forward(login, new.name)  # is done already
    schema.back(login, new.name, STABLE)
    assert whole(login)
    schema.back(login, new.name, STABLE)
    assert whole(login)


def test_a_migration_that_fails_is_told_in_the_databases_words_and_leaves_nothing(login: Login, tmp_path: Path) -> None:
    new = prepare(str(defective("failing-migration", tmp_path)))
    with pytest.raises(RolloutError, match="division by zero") as told:
        schema.forward(login, new.name)
    assert PASSWORD not in str(told.value)
    assert whole(login)
    schema.back(login, new.name, STABLE)
    assert whole(login)


def test_what_the_stable_release_has_stays(login: Login, tmp_path: Path) -> None:
    new = prepare(str(good(tmp_path, migration=True)))
    schema.forward(login, new.name)
    schema.back(login, new.name, new.name)
    assert "rag.query_log.noted" in columns(login)["column"]
    schema.back(login, new.name, STABLE)
    assert whole(login)


def test_a_migration_below_a_later_one_is_not_taken_back(login: Login, sql: psycopg.Connection, tmp_path: Path) -> None:
    new: Release = prepare(str(good(tmp_path, migration=True)))
    schema.forward(login, new.name)
    sql.execute("INSERT INTO rag.schema_migrations VALUES ('29999999')")
    try:
        with pytest.raises(RolloutError, match=r"migration 29999999 came after those of .* make schema DO=rollback"):
            schema.back(login, new.name, STABLE)
    finally:
        sql.execute("DELETE FROM rag.schema_migrations WHERE version = '29999999'")
        schema.back(login, new.name, STABLE)
    assert MIGRATION.partition("_")[0] not in read(login).applied
