"""From a file's bytes to its chunks, by its format."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath

from services.ingestion.reading.content import Content, Part, UnreadableError
from services.ingestion.reading.split import LINES, SENTENCES, Chunk, Splitter
from services.ingestion.reading.tokens import counter

LENGTH = 8  # bytes before each message to and from the reader process: its length, big-endian
LARGEST_TEXT = 16 * 1024 * 1024  # characters; some five thousand pages
LONGEST_TITLE = 300  # characters, of a section's headings too
_MODULES = {"text": "plain", "code": "plain"}  # a format's reader is the function of its name, elsewhere in its module


@dataclass(frozen=True)
class Wanted:
    """How a document is to be read. `path` gives the title of one without; sizes are in tokens."""

    path: str
    format: str
    limit: int
    overlap: int


@dataclass(frozen=True)
class Read:
    """A document that has been read."""

    title: str
    chunks: list[Chunk]


def read(wanted: Wanted, data: bytes) -> Read:
    """The document's title and chunks; raises UnreadableError with the reason."""
    content = _parse(wanted.format, data)
    if sum(len(part.text) for part in content.parts) > LARGEST_TEXT:
        raise UnreadableError(f"has more than {LARGEST_TEXT // 2**20} MiB of text; cut it into several documents")
    title = clean(content.title or PurePath(wanted.path).name)[:LONGEST_TITLE]
    parts = [Part(clean(p.text), p.section and clean(p.section)[:LONGEST_TITLE], p.page) for p in content.parts]
    splitter = Splitter(wanted.limit, wanted.overlap, counter(), LINES if wanted.format == "code" else SENTENCES)
    return Read(title, splitter.chunks(title, parts))


def clean(text: str) -> str:
    """The text without what neither JSON nor Postgres can hold; the text of a PDF may contain it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _parse(name: str, data: bytes) -> Content:
    # A reader is imported when the first document needs it: pypdf alone takes a quarter of a second.
    module = import_module(f"{__package__}.{_MODULES.get(name, name)}")
    content: Content = getattr(module, name)(data)
    return content
