import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from infra.settings import PROJECT_ROOT
from tests.postgres import Postgres

DOCS = {"name": "docs", "directory": "docs", "embedding_model": "all-minilm"}


def migrate(server: Postgres, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": server.url, "DATABASE_PASSWORD_FILE": str(server.password_file)}
    command = [sys.executable, "-m", "services.collections.migrate_config", *arguments]
    return subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


def write(path: Path, *collections: dict[str, Any]) -> str:
    path.write_text(json.dumps({"collections": collections}))
    return str(path)


def test_the_files_collections_are_added_and_brought_up_to_date_but_none_is_removed(
    database_server: Postgres, sql: psycopg.Connection, tmp_path: Path
) -> None:
    first = migrate(database_server, write(tmp_path / "c.json", DOCS, {**DOCS, "name": "old"}))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("2 collections of ")
    assert migrate(database_server, write(tmp_path / "c.json", {**DOCS, "directory": "pages"})).returncode == 0
    rows = sql.execute("SELECT name, directory, chunk_tokens FROM rag.collections ORDER BY name").fetchall()
    assert rows == [("docs", "pages", 256), ("old", "docs", 256)]


def test_a_broken_file_changes_nothing_and_says_why(
    database_server: Postgres, sql: psycopg.Connection, tmp_path: Path
) -> None:
    refused = migrate(database_server, write(tmp_path / "c.json", DOCS, {**DOCS, "name": "a b"}))
    assert refused.returncode == 1
    assert "collections not migrated: " in refused.stderr
    assert sql.execute("SELECT count(*) FROM rag.collections").fetchall() == [(0,)]


def test_without_a_file_it_says_how_it_is_used(database_server: Postgres) -> None:
    assert "usage: migrate_config FILE" in migrate(database_server).stderr
