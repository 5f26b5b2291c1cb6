"""A collection made for the checks, of documents that the stack has already: no file has to be brought to it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from conformance.check import NonconformingError, NotApplicableError, expect
from conformance.http import Answer
from conformance.stack import Stack

NAME = "conformance"
"""The collection's name. It is always the same: what a killed run has left is found and removed by the next one."""

PATH = f"/api/v1/collections/{NAME}"
MOST_DOCUMENTS = 60
INGESTED_S = 180.0


@dataclass(frozen=True)
class Folder:
    """A folder below a collection's, and how many documents are in it and below it."""

    directory: str
    documents: int


@dataclass(frozen=True)
class Contents:
    """What is in the collection once everything is ingested."""

    documents: tuple[str, ...]
    chunks: int
    question: str  # the title of a document, or its name


class Sample:
    """The collection; it is made when it is first needed."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._contents: Contents | Exception | None = None
        self.is_there = False  # or may be

    @property
    def contents(self) -> Contents:
        """What is in the collection; raises NonconformingError or NotApplicableError where it cannot be made."""
        if self._contents is None:
            try:
                self._contents = self._make()
            except (NonconformingError, NotApplicableError) as error:
                self._contents = error
        if isinstance(self._contents, Exception):
            raise self._contents
        return self._contents

    def remove(self) -> None:
        """Delete the collection, if there is one; raises NonconformingError where it does not go."""
        self._contents = None
        deleted = self._stack.ask("DELETE", PATH)
        expect(deleted.status in {204, 404}, f"{deleted}; expected 204")
        left = self._stack.ask("GET", PATH)
        expect(left.status == 404, f"{left}; expected 404 after it was deleted")
        self.is_there = False

    def _make(self) -> Contents:
        stack = self._stack
        self.remove()
        folder = smallest(self._folders())
        stack.say(f"ingesting {folder.documents} documents of {folder.directory}")
        self.is_there = True
        created = stack.ask("POST", "/api/v1/collections", {"name": NAME, "directory": folder.directory})
        expect(created.status == 201, f"{created}; expected 201")
        expect(created.header("Location") == PATH, f"{created}: its Location is not {PATH}")
        stack.until(self._is_ingested, INGESTED_S, f"the documents of {folder.directory} are ingested")
        found = succeeded(stack.ask("GET", f"{PATH}/documents?limit=1000"))["documents"]
        indexed = [one for one in found if one["status"] == "indexed"]
        expect(indexed, f"none of the documents of {folder.directory} could be ingested: {found}")
        question = indexed[0]["title"] or PurePosixPath(indexed[0]["path"]).stem
        return Contents(tuple(one["path"] for one in indexed), sum(one["chunks"] for one in indexed), question)

    def _folders(self) -> list[Folder]:
        found = []
        for one in succeeded(self._stack.ask("GET", "/api/v1/collections"))["collections"]:
            path = f"/api/v1/collections/{quote(one['name'])}/documents?status=indexed&limit=1000"
            listed = [document["path"] for document in succeeded(self._stack.ask("GET", path))["documents"]]
            found += folders(one["directory"], listed)
        return found

    def _is_ingested(self) -> bool:
        stats = succeeded(self._stack.ask("GET", f"{PATH}/stats"))
        return bool(stats["documents"] and stats["documents"] == stats["files"] and not stats["open_jobs"])


def folders(directory: str, paths: list[str]) -> list[Folder]:
    """All folders of a collection with documents in them, given the paths of its documents."""
    counts = Counter(parent for path in paths for parent in PurePosixPath(path).parents)
    return [Folder(str(directory / parent), count) for parent, count in counts.items()]


def smallest(found: list[Folder]) -> Folder:
    """The folder with the fewest documents; raises NotApplicableError where that would be a long job all the same."""
    if not found:
        raise NotApplicableError("the stack has no documents yet")
    folder = min(found, key=lambda one: one.documents)
    if folder.documents > MOST_DOCUMENTS:
        raise NotApplicableError(
            f"the smallest folder has {folder.documents} documents; it takes one with at most {MOST_DOCUMENTS}"
        )
    return folder


def succeeded(answer: Answer) -> Any:
    """The JSON of an answer with status 200; raises NonconformingError where it is another."""
    expect(answer.status == 200, f"{answer}; expected 200")
    return answer.json()
