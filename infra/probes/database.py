"""The database's schema against what the migrations make of an empty one, which `schema.json` states.

`python -m infra.probes.database postgresql://…` writes that file, from a database that was just migrated.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from infra.drift.drift import ABSENT, Drift
from infra.migrate import MIGRATIONS, RECORD
from infra.probes.http import TIMEOUT_S, SilentError

COMPONENT = "timescaledb"
STATED = Path(__file__).with_name("schema.json")

Definitions = Mapping[str, Mapping[str, str]]
"""What the schema has: by kind (table, column, constraint, index) and name, the definition."""

_CATALOG: Mapping[str, LiteralString] = {
    "table": """
        SELECT format('rag.%I', relname), 'table' FROM pg_class
        WHERE relnamespace = to_regnamespace('rag') AND relkind IN ('r', 'p')
    """,
    "column": """
        SELECT format('rag.%I.%I', relname, attname),
               concat_ws(' ', format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END,
                         'DEFAULT ' || pg_get_expr(adbin, adrelid), CASE WHEN attidentity <> '' THEN 'IDENTITY' END)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = to_regnamespace('rag') AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    """,
    "constraint": """
        SELECT format('rag.%I.%I', relname, conname), pg_get_constraintdef(pg_constraint.oid)
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE relnamespace = to_regnamespace('rag') AND relkind IN ('r', 'p') AND contype IN ('p', 'u', 'f', 'c')
    """,
    "index": """
        SELECT format('rag.%I', indexed.relname), pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class AS indexed ON indexed.oid = indexrelid
        WHERE relnamespace = to_regnamespace('rag')
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    """,
}
_POLICIES: LiteralString = """
    SELECT hypertable_name::text, config ->> 'compress_after' FROM timescaledb_information.jobs
    WHERE hypertable_schema = 'rag' AND proc_name = 'policy_compression' AND scheduled
"""
COMPRESSED = {"query_log": "7 days", "breaker_events": "7 days"}
"""The hypertables, with the age from which their rows are compressed, where the server has TimescaleDB."""


@dataclass(frozen=True)
class Login:
    """How to reach the database."""

    port: int
    user: str
    database: str
    password: str

    def connect(self) -> psycopg.Connection[Any]:
        """A connection without a transaction; raises psycopg.Error."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            dbname=self.database,
            password=self.password,
            connect_timeout=round(TIMEOUT_S),
            autocommit=True,
        )


@dataclass(frozen=True)
class Database:
    """What a database has: its schema, the migrations that it records, and the collections that it knows."""

    definitions: Definitions
    applied: frozenset[str] = frozenset()
    policies: Mapping[str, str] | None = None  # None: the server has no TimescaleDB
    collections: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()  # the collections of which documents are indexed


def read(login: Login) -> Database:
    """Look at the database, without changing it; raises SilentError."""
    try:
        with login.connect() as connection:
            connection.read_only = True
            connection.execute("SET statement_timeout = '5s'")
            return _read(connection)
    except psycopg.Error as error:
        raise SilentError(f"Postgres on port {login.port}: {error}".strip()) from None


def _read(connection: psycopg.Connection[Any]) -> Database:
    definitions = definitions_of(connection)

    def column(table: str, statement: LiteralString) -> frozenset[str]:
        there = table in definitions["table"]
        return frozenset(row[0] for row in connection.execute(statement)) if there else frozenset()

    has_timescaledb = connection.execute("SELECT FROM pg_available_extensions WHERE name = 'timescaledb'").rowcount
    created = connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").rowcount
    policies = dict(connection.execute(_POLICIES).fetchall()) if created else {}
    return Database(
        definitions,
        applied=column(RECORD, "SELECT version FROM rag.schema_migrations"),
        policies=policies if has_timescaledb else None,
        collections=column("rag.collections", "SELECT name FROM rag.collections"),
        indexed=column(
            "rag.documents",
            """SELECT DISTINCT collection FROM rag.documents JOIN rag.collections ON name = collection
               WHERE status = 'indexed' AND chunks > 0""",
        ),
    )


def definitions_of(connection: psycopg.Connection[Any]) -> Definitions:
    """The schema, by what Postgres says of it."""
    return {kind: dict(connection.execute(statement).fetchall()) for kind, statement in _CATALOG.items()}


def migrations(folder: Path = MIGRATIONS) -> frozenset[str]:
    """The versions of the migrations that there are."""
    return frozenset(path.name.partition("_")[0] for path in folder.glob("*.sql"))


def stated() -> Definitions:
    """The schema that the migrations make."""
    definitions: Definitions = json.loads(STATED.read_text())
    return definitions


def compare(wanted: Definitions, versions: Iterable[str], found: Database) -> Iterator[Drift]:
    """Where the schema, the record of the migrations or the policies differ."""
    versions = set(versions)
    for version in sorted(versions - found.applied):
        yield Drift("migrations", "migration", version, "applied", "not applied")
    for version in sorted(found.applied - versions):
        yield Drift("migrations", "migration unknown", version, ABSENT, "applied")
    if versions - found.applied or found.applied - versions:
        return  # the schema is that of other migrations
    there = found.definitions
    yield from (
        Drift(COMPONENT, "table", table, "there", ABSENT) for table in wanted["table"] if table not in there["table"]
    )
    yield from (
        Drift(COMPONENT, "unknown table", one, ABSENT, there[kind][one])
        for kind in ("table", "column")
        for one in sorted(there[kind].keys() - wanted[kind].keys())
        if kind == "table" or _table(one) in wanted["table"]
    )
    for kind, drifts in (("column", "column"), ("constraint", "column"), ("index", "index")):
        for name, definition in wanted[kind].items():
            has = there[kind].get(name)
            if has != definition and _on(name, definition) & there["table"].keys():
                yield Drift(COMPONENT, drifts, name, definition, has or ABSENT)
    yield from _policies(found.policies)


def _table(name: str) -> str:
    """The table of `rag.table.column`."""
    return name.rpartition(".")[0]


def _on(name: str, definition: str) -> set[str]:
    """The table that it belongs to: the loss of a table is told as such."""
    return {_table(name), *definition.split()}


def _policies(found: Mapping[str, str] | None) -> Iterator[Drift]:
    for table, after in COMPRESSED.items() if found is not None else ():
        if (has := (found or {}).get(table)) != after:
            yield Drift(COMPONENT, "policy", f"rag.{table}", f"compressed after {after}", has or ABSENT)


def make_index(login: Login, definition: str) -> None:
    """Make an index beside the load; raises psycopg.Error."""
    made = definition.replace("INDEX ", "INDEX CONCURRENTLY IF NOT EXISTS ", 1)
    with login.connect() as connection:
        connection.execute(made.encode())


def add_policy(login: Login, table: str) -> None:
    """Have a hypertable's rows compressed from the age on that they are to have; raises psycopg.Error."""
    with login.connect() as connection:
        connection.execute("SELECT remove_compression_policy(%s, if_exists => true)", [f"rag.{table}"])
        connection.execute(
            "SELECT add_compression_policy(%s, compress_after => %s::interval)", [f"rag.{table}", COMPRESSED[table]]
        )


def main(arguments: Sequence[str]) -> None:
    """Write what the migrations made of the database at the URL that is the only argument."""
    (url,) = arguments
    with psycopg.connect(url) as connection:
        STATED.write_text(text_of(definitions_of(connection)))


def text_of(definitions: Definitions) -> str:
    """As the file has it."""
    return json.dumps(definitions, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
