"""The documents' files: which there are, what they are called, what they say. Blocking; call it in a thread."""

import mimetypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from services.common.errors import NotFoundError, UnavailableError

MAX_TEXT_BYTES = 2 * 1024 * 1024  # a larger file is listed and delivered, but its text is neither searched nor in JSON

# suffix: (format, media type); other files are told apart by Python's table of media types.
FORMATS = {
    ".md": ("markdown", "text/markdown"),
    ".html": ("html", "text/html"),
    ".htm": ("html", "text/html"),
    ".txt": ("text", "text/plain"),
    ".rst": ("text", "text/plain"),
    ".log": ("text", "text/plain"),
    ".pdf": ("pdf", "application/pdf"),
    ".docx": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".yaml": ("yaml", "application/yaml"),
    ".yml": ("yaml", "application/yaml"),
    ".json": ("json", "application/json"),
    ".toml": ("toml", "application/toml"),
}
_TEXTUAL = frozenset({"yaml", "json", "toml"})


@dataclass(frozen=True)
class File:
    """A document's file; `modified_ns` and `size` tell whether it changed."""

    path: str  # relative to the root, with slashes
    size: int
    modified_ns: int

    @property
    def modified(self) -> str:
        """When the file was last written, as ISO time."""
        return datetime.fromtimestamp(self.modified_ns / 1e9, UTC).isoformat(timespec="seconds")


def kind(path: str) -> tuple[str, str]:
    """The file's format and media type, by its suffix."""
    suffix = PurePath(path).suffix.lower()
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return FORMATS.get(suffix, (suffix.removeprefix(".") or "binary", media_type))


def is_text(path: str) -> bool:
    """Whether the file is delivered and searched as text."""
    name, media_type = kind(path)
    return media_type.startswith("text/") or name in _TEXTUAL


def locate(root: Path, path: str) -> Path:
    """The real file behind a path below `root`.

    Raises NotFoundError for whatever is not a visible, readable, regular file inside: `..`, absolute paths and links
    that lead outside are answered like a file that does not exist.
    """
    try:
        top = root.resolve(strict=True)
        found = (top / path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # missing, too long; a NUL byte; a loop of links
        raise _missing(path) from None
    inside = found.is_relative_to(top) and _visible(found.relative_to(top)) and _visible(PurePath(path))
    if not inside or not found.is_file() or not os.access(found, os.R_OK):
        raise _missing(path)
    return found


def _visible(path: PurePath) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _missing(path: str) -> NotFoundError:
    return NotFoundError(f"there is no document {path[:200]!r}")


def walk(root: Path) -> Iterator[File]:
    """Every document below `root`; raises UnavailableError if there is no such folder."""
    if not root.is_dir():
        raise UnavailableError("the folder of the documents is missing")
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name).relative_to(root).as_posix()
            try:
                path.encode()
                status = locate(root, path).stat()
            except (
                NotFoundError,
                OSError,
                UnicodeError,
            ):  # hidden, a link outside, gone by now; a name that is no UTF-8
                continue
            yield File(path, status.st_size, status.st_mtime_ns)


def read(root: Path, path: str) -> str | None:
    """The document's text; None for binary formats and very large files; raises NotFoundError."""
    found = locate(root, path)
    if not is_text(path) or found.stat().st_size > MAX_TEXT_BYTES:
        return None
    return found.read_text(encoding="utf-8", errors="replace")
