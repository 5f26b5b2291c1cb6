import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from pydantic import ValidationError

from services.common.collections import BadCollectionsFileError, Collection, Collections, read_file
from services.common.database import Database, DatabaseUnavailableError
from services.common.errors import NotFoundError


class Away(Database):
    """A database that never answers."""

    def __init__(self) -> None:
        self.connections: list[AsyncConnection[Any]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        if not self.connections:
            raise DatabaseUnavailableError("database: away")
        yield self.connections[0]


def write(path: Path, *collections: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"collections": collections}))
    return path


DOCS = {"name": "docs", "directory": "docs", "embedding_model": "all-minilm"}


async def test_while_the_database_is_away_the_files_collections_count(tmp_path: Path) -> None:
    file = write(tmp_path / "c.json", {**DOCS, "name": "z"}, DOCS, {**DOCS, "name": "off", "enabled": False})
    collections = Collections(Away(), file)
    assert [c.name for c in await collections.all()] == ["docs", "off", "z"]
    assert [c.name for c in await collections.enabled()] == ["docs", "z"]
    assert (await collections.get("docs")).directory == "docs"
    with pytest.raises(NotFoundError, match="collection 'none' does not exist"):
        await collections.get("none")


async def test_the_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = write(tmp_path / "c.json", DOCS)
    collections = Collections(Away(), file)
    assert len(await collections.all()) == 1
    write(file, DOCS, {**DOCS, "name": "more"})
    assert len(await collections.all()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "Expecting"), ("{}", "collections"), ("[]", "list"), ('{"collections": [{"name": "a b"}]}', "name")],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(BadCollectionsFileError, match=said):
        read_file(tmp_path / "c.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCollectionsFileError, match=r"none\.json"):
        read_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    "wrong",
    [{"name": "../etc"}, {"chunk_tokens": 5}, {"chunk_overlap": 200}, {"directory": " "}, {"embedding_model": ""}],
)
def test_a_collection_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Collection(**{**DOCS, **wrong})
