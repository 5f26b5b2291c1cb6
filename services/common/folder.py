"""A collection's folder: which of its files are documents, and where a path below it really leads."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from services.common.errors import InvalidRequestError, NotFoundError

# fmt: off
CODE = (
    ".c", ".cpp", ".cs", ".go", ".h", ".hpp", ".ini", ".java", ".js", ".json", ".kt", ".lua", ".php", ".pl", ".py",
    ".r", ".rb", ".rs", ".scala", ".sh", ".sql", ".swift", ".toml", ".ts", ".yaml", ".yml",
)
# fmt: on
# By suffix. A file with another suffix is no document.
FORMATS = {
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".html", ".htm"), "html"),
    ".pdf": "pdf",
    ".docx": "docx",
    **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".log", ".csv"), "text"),
    **dict.fromkeys(CODE, "code"),
}
LONGEST_PATH = 1024  # bytes; the database's index has a limit
_BACKUPS = ("~", ".swp", ".swx", ".tmp", ".bak", ".orig", ".part", ".crdownload")


def is_ignored(path: str) -> bool:
    """Whether a path is of no interest by its name: hidden, an editor's backup, or one that cannot be recorded."""
    pure = PurePath(path)
    hidden = any(part.startswith((".", "#")) for part in pure.parts) or pure.name.endswith(_BACKUPS)
    return hidden or not _is_recordable(path)


def _is_recordable(path: str) -> bool:
    try:
        return len(path.encode()) <= LONGEST_PATH
    except UnicodeEncodeError:  # a name that is not UTF-8
        return False


def format_of(path: str) -> str | None:
    """The format of a document by its name; None for what is no document."""
    return None if is_ignored(path) else FORMATS.get(PurePath(path).suffix.lower())


def directory(data_root: Path, relative: str) -> Path:
    """The directory of a collection; raises InvalidRequestError unless it lies below `data_root`."""
    top = data_root.resolve()
    try:
        found = (top / relative).resolve()
    except ValueError:  # a NUL byte
        found = Path("/")
    if not found.is_relative_to(top):
        raise InvalidRequestError(f"directory: {relative!r} leads out of the data root")
    return found


def locate(data_root: Path, folder: Path, path: str) -> Path:
    """The real file behind a document's path; links may lead elsewhere below `data_root`.

    Raises NotFoundError for whatever is not a document's regular file there.
    """
    try:
        found = (folder / path).resolve(strict=True)
        inside = found.is_relative_to(data_root.resolve()) and Path(os.path.normpath(folder / path)).is_relative_to(
            folder
        )
    except (OSError, ValueError, RuntimeError):  # missing, too long; a NUL byte; a loop of links
        inside = False
    if not inside or format_of(path) is None or not found.is_file():
        raise NotFoundError(f"there is no document {path[:200]!r}")
    return found


def documents(data_root: Path, folder: Path) -> Iterator[str]:
    """The path of every document in `folder`, relative to it; nothing if there is no such folder."""
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name).relative_to(folder).as_posix()
            try:
                locate(data_root, folder, path)
            except NotFoundError:
                continue
            yield path
