from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from chaos.faults import FaultNotInForceError, SchemaGone
from chaos.stack import Stack
from infra.targets.local.paths import StackPaths
from infra.targets.services import PASSWORD_FILE
from infra.topology import topology
from tests.postgres import PASSWORD, Postgres


@dataclass(frozen=True)
class OnlyDatabase(Stack):
    """A stack of which the database is there, at another port."""

    database: int = 0

    def port(self, component: str, port: str = "http") -> int:
        return self.database


@pytest.fixture
def stack(tmp_path: Path, database_server: Postgres) -> Stack:
    stack = OnlyDatabase("test", StackPaths(tmp_path), topology(), database=database_server.port)
    stack.paths.run("timescaledb").mkdir(parents=True)
    (stack.paths.run("timescaledb") / PASSWORD_FILE).write_text(PASSWORD)
    return stack


def test_the_schema_is_away_and_comes_back_with_all_that_is_in_it(stack: Stack, sql: psycopg.Connection) -> None:
    fault = SchemaGone()
    fault.heal(stack, {})  # of an injection that never was
    sql.execute("INSERT INTO rag.collections (name, directory, embedding_model) VALUES ('kept', 'd', 'm')")
    with pytest.raises(FaultNotInForceError):
        fault.verify(stack, {})
    fault.inject(stack, fault.prepare(stack))
    try:
        fault.verify(stack, {})
        with pytest.raises(psycopg.errors.UndefinedTable):
            sql.execute("SELECT 1 FROM rag.collections")
    finally:
        fault.heal(stack, {})
    fault.heal(stack, {})
    assert sql.execute("SELECT count(*) FROM rag.collections WHERE name = 'kept'").fetchone() == (1,)
