"""What a reader takes from a document."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


class UnreadableError(Exception):
    """The document cannot be read; the message is the reason that its owner is told."""


@dataclass(frozen=True)
class Part:
    """Text of one section or page. `section` is the path of its headings below the document's title."""

    text: str
    section: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Content:
    """A document's text in reading order, and the title that it declares or begins with."""

    parts: Sequence[Part]
    title: str | None = None


class Outline:
    """Gathers text under the headings above it; the document's title is no section of itself."""

    def __init__(self) -> None:
        self.title: str | None = None
        self._headings: dict[int, str] = {}
        self._blocks: list[str] = []
        self._parts: list[Part] = []

    def heading(self, level: int, text: str) -> None:
        """Begin a section; the first heading of the document is its title if it is of level 0 or 1."""
        self._close()
        if self.title is None and not self._parts and level <= 1:
            self.title = text
        else:
            self._headings = {above: name for above, name in self._headings.items() if above < level} | {level: text}

    def add(self, block: str) -> None:
        """Append a block of text to the section."""
        self._blocks.append(block)

    def content(self, declared_title: str | None = None) -> Content:
        """All of it; a title that the file declares comes before the one found in its text."""
        self._close()
        return Content(self._parts, declared_title or self.title or next(iter(self._headings.values()), None))

    def _close(self) -> None:
        text = "\n".join(self._blocks).strip("\n")
        if text.strip():
            self._parts.append(Part(text, " > ".join(self._headings.values()) or None))
        self._blocks = []


def one_line(text: str | None) -> str | None:
    """The text without line breaks and doubled blanks; None if nothing is left."""
    return re.sub(r"\s+", " ", text or "").strip() or None
