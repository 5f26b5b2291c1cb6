"""What a document's text says to a reader: its title and its words."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import PurePath

from services.rag.documents import kind

# Bounded, so that no text takes longer than its length.
_HEADING = re.compile(r"^#[ \t](.{1,300})", re.MULTILINE)
_CLOSING = re.compile(r"\s+#+$")
_TITLE = re.compile(r"<title[^>]{0,300}>(.{0,300}?)</title>", re.IGNORECASE | re.DOTALL)


def title(path: str, text: str | None) -> str:
    """What the document calls itself: its first heading, `<title>` or first line; else its file's name."""
    called = {"markdown": _heading, "html": _html_title, "text": _first_line}.get(kind(path)[0])
    return (called(text or "") if called else "")[:200] or PurePath(path).name


def _heading(text: str) -> str:
    match = _HEADING.search(text)
    return _CLOSING.sub("", match[1].strip()) if match else ""


def _html_title(text: str) -> str:
    match = _TITLE.search(text)
    return " ".join(unescape(match[1]).split()) if match else ""


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= bool(self._unseen) and tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)


def readable(path: str, text: str | None) -> str:
    """What a reader sees of the text: HTML without its tags."""
    if not text or kind(path)[0] != "html":
        return text or ""
    parser = _Words()
    try:
        parser.feed(text)
        parser.close()
    except AssertionError:  # Python's parser gives up like this on some broken declarations
        return text
    return " ".join(" ".join(parser.words).split())
