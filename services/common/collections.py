"""Which collections there are: the database's rows first, the JSON file's otherwise."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from services.common.database import Database, DatabaseUnavailableError
from services.common.errors import NotFoundError, UnavailableError
from services.common.tables import transaction

CollectionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
NonEmpty = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024, pattern=r"^[^\x00]*$")
]

log = logging.getLogger(__name__)


class Collection(BaseModel):
    """A folder of documents that are searched together."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: CollectionName
    directory: NonEmpty
    embedding_model: NonEmpty
    chunk_tokens: int = Field(default=256, ge=32, le=8192)
    chunk_overlap: int = Field(default=32, ge=0)
    enabled: bool = True

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if self.chunk_overlap * 2 > self.chunk_tokens:
            raise ValueError("chunk_overlap may be half of chunk_tokens at most")
        return self


_COLLECTIONS = TypeAdapter(list[Collection])


class BadCollectionsFileError(UnavailableError):
    """The collections file cannot be read; the detail says what is wrong in it."""


def read_file(path: Path) -> list[Collection]:
    """The collections of the JSON file; raises BadCollectionsFileError."""
    try:
        return _COLLECTIONS.validate_python(json.loads(path.read_text())["collections"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadCollectionsFileError(f"{path}: {error}") from error


class Collections:
    """The configured collections. The file is read anew each time, so that an edit counts at once."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file
        self._from_database = True

    async def enabled(self) -> list[Collection]:
        """The enabled collections by name; raises BadCollectionsFileError where neither source can be read."""
        return [collection for collection in await self.all() if collection.enabled]

    async def all(self) -> list[Collection]:
        """The collections by name: the database's, or the file's when it is away or has none."""
        rows = await self._rows()
        self._note(from_database=bool(rows))
        found = [Collection(**row) for row in rows] if rows else read_file(self._file)
        return sorted(found, key=lambda collection: collection.name)

    async def get(self, name: str) -> Collection:
        """The collection of that name; raises NotFoundError."""
        for collection in await self.all():
            if collection.name == name:
                return collection
        raise NotFoundError(f"collection {name!r} does not exist")

    async def _rows(self) -> list[dict[str, Any]]:
        try:
            async with transaction(self._database) as cursor:
                await cursor.execute("SELECT * FROM rag.collections")
                return await cursor.fetchall()
        except DatabaseUnavailableError:
            return []

    def _note(self, *, from_database: bool) -> None:
        if from_database != self._from_database:
            self._from_database = from_database
            if from_database:
                log.info("collections come from the database again")
            else:
                log.warning("collections come from the file: the database is away or has none")
