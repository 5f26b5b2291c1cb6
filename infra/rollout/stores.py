"""The data as it lies in the stores: whether the vector nodes hold the same, and the schema is the releases'."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import psycopg

from infra.commands.replicas import UnansweredError
from infra.probes import database
from infra.probes.database import Definitions, Login, definitions_of, migrations
from infra.probes.http import SilentError
from infra.rollout.deployment import RolloutError
from infra.rollout.measurements import Replicas, Schema
from infra.rollout.schema import dbmate

SCRATCH = "rollout_schema"
"""A database in which the migrations are run to see what they make; always the same, so a killed run leaves one."""

MIGRATED_S = 120.0


class Comparing(Protocol):
    """The collections service, which compares what the nodes hold."""

    def call(self, method: str, path: str) -> Any:
        """The JSON that it answers; raises UnansweredError."""


class UnknownSchemaError(RuntimeError):
    """Nobody can say what the migrations make; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """What a database is to be: the newest migration's version, and a digest of what all of them make."""

    version: str
    catalog: str


def replicas(service: Comparing) -> Replicas | None:
    """What the collections service finds, which looks twice at what differs; None where not all could be compared."""
    try:
        reports = service.call("GET", "/internal/replicas")["collections"]
    except UnansweredError:
        return None
    differing = sum(report["differing"] for report in reports)
    if not differing and any(report["consistent"] is None for report in reports):
        return None
    compared = sum(max((replica["points"] for replica in report["replicas"]), default=0) for report in reports)
    return Replicas(compared, differing)


def schema(login: Login, wanted: Wanted) -> Schema | None:
    """The database against what it is to be; None where it cannot be read."""
    try:
        found = database.read(login)
    except SilentError:
        return None
    return Schema(wanted.version, max(found.applied, default=""), wanted.catalog, digest(found.definitions))


def outdate_answers(login: Login) -> None:
    """Let all collections have a later version, by which cached answers are told to be fresh; raises RolloutError."""
    try:
        with login.connect() as connection:
            connection.execute("UPDATE rag.collection_versions SET version = version + 1")
    except psycopg.Error as error:
        raise RolloutError(f"the cached answers are not outdated: {error}") from None


def digest(definitions: Definitions) -> str:
    """A short name for a catalog: two differ in it if they differ in a table, column, index or constraint."""
    return blake2b(json.dumps(definitions, sort_keys=True).encode(), digest_size=8).hexdigest()


def wanted(login: Login, folders: Iterable[Path]) -> Wanted:
    """What the migrations of these releases make of an empty database of that server; raises UnknownSchemaError.

    Of both releases together, since a rollout adds to a schema and takes nothing from the release in use.
    """
    scratch = replace(login, database=SCRATCH)
    with TemporaryDirectory() as folder:
        for each in folders:
            shutil.copytree(each, folder, dirs_exist_ok=True)
        try:
            _drop(login)
            dbmate("up", scratch, Path(folder), limit_s=MIGRATED_S)
            with scratch.connect() as connection:
                made = definitions_of(connection)
            _drop(login)
        except (psycopg.Error, OSError, RolloutError) as error:
            raise UnknownSchemaError(f"the migrations make no schema: {error}") from None
        return Wanted(max(migrations(Path(folder)), default=""), digest(made))


def _drop(login: Login) -> None:
    with login.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
