"""The files behind documents."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from services.common import folder
from services.common.errors import NotFoundError
from services.ingestion.reading.content import UnreadableError

LARGEST = 64 * 1024 * 1024  # bytes; a document is read whole


class FolderMissingError(Exception):
    """The collection's folder is not there, so nothing can be said of its documents."""


@dataclass(frozen=True)
class File:
    """A document's content."""

    data: bytes
    hash: str


@dataclass(frozen=True)
class Folder:
    """A collection's folder."""

    data_root: Path
    path: Path

    def documents(self) -> list[str]:
        """The paths of its documents; raises FolderMissingError."""
        self._require()
        return list(folder.documents(self.data_root, self.path))

    def load(self, path: str) -> File | None:
        """The document's content, None if there is no such document; raises UnreadableError, FolderMissingError."""
        try:
            file = folder.locate(self.data_root, self.path, path)
            with file.open("rb") as content:
                data = content.read(LARGEST + 1)
        except (NotFoundError, FileNotFoundError, NotADirectoryError):
            self._make_sure_it_is_gone(path)
            return None
        except OSError as error:
            raise UnreadableError(f"cannot be read: {error.strerror}") from None
        if len(data) > LARGEST:
            raise UnreadableError(f"is larger than {LARGEST // 2**20} MiB")
        return File(data, hashlib.sha256(data).hexdigest())

    def _make_sure_it_is_gone(self, path: str) -> None:
        # A folder that is not mounted or must not be entered says nothing about its files.
        self._require()
        try:
            (self.path / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise UnreadableError(f"cannot be read: {error.strerror}") from None

    def _require(self) -> None:
        if not self.path.is_dir():
            raise FolderMissingError(f"the folder {self.path} is missing; is its disk mounted?")
