"""Show which migrations the database has, run those that are missing, take the last one back, or drop the schema.

Without an action it lists them; `[X]` is there, `[ ]` is not.

migrate   Run what is missing and write the collections file into the database, as each deployment does.
rollback  Take the last migration back, by its down part. Repeat it for the one before.
drop      Delete the whole schema `rag`. The services go on with the collections file and search as before; the query
          log and the record of what was ingested are gone. It wants --yes.

The services run on meanwhile. docs/runbooks/migrate-database.md tells which action is right when.
"""

import argparse

import psycopg

from infra import migrate, workspace
from infra.stack_settings import stack_settings
from infra.targets.local.health import HOST
from infra.targets.services import DATABASE, DATABASE_USER

ACTIONS = ("status", "migrate", "rollback", "drop")


class SchemaError(RuntimeError):
    """The database cannot be changed as asked; the message says what to do."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with the schema."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="status", metavar="ACTION")
    parser.add_argument("--yes", action="store_true", help="drop: really delete it")


def run(parsed: argparse.Namespace) -> int:
    """Look or change; exits with the migration tool's status where it fails."""
    if parsed.action == "drop" and not parsed.yes:
        raise SchemaError("drop deletes the query log and the record of what was ingested; add --yes if that is meant")
    outputs = workspace.outputs(parsed.stack)
    if "ports" not in outputs:
        raise workspace.WorkspaceError(f"stack {parsed.stack} is not up; `make up` starts it")
    # The server's own port: a fault on the way of the services is none on this one.
    url = f"postgresql://{DATABASE_USER}@{HOST}:{outputs['ports']['timescaledb/postgres']}/{DATABASE}"
    password = str(outputs["secrets"]["databasePassword"])
    if parsed.action == "drop":
        _drop(url, password)
    elif parsed.action == "migrate":
        migrate.migrate(url, password, stack_settings(parsed.stack).collections_file)
    else:
        migrate.dbmate(parsed.action, url, password)
    return 0


def _drop(url: str, password: str) -> None:
    try:
        with psycopg.connect(url, password=password, connect_timeout=10) as connection:
            connection.execute("DROP SCHEMA IF EXISTS rag CASCADE")
    except psycopg.Error as error:
        raise SchemaError(f"the schema is not dropped: {error}; see `make status`") from None
    print("the schema rag is gone; `make schema DO=migrate` makes an empty one")
