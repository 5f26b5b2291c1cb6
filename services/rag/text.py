"""What a document's text says to a reader: its title and its words."""

import re
from html.parser import HTMLParser
from pathlib import PurePath

from services.rag.documents import kind

_HEADING = re.compile(r"^#\s+(.+?)\s*#*$", re.MULTILINE)
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)


def title(path: str, text: str | None) -> str:
    """What the document calls itself: its first heading, `<title>` or first line; else its file's name."""
    name = kind(path)[0]
    pattern = {"markdown": _HEADING, "html": _TITLE}.get(name)
    if pattern and (match := pattern.search(text or "")):
        return match[1][:200]
    if name == "text" and text and (line := text.strip().partition("\n")[0].strip()):
        return line[:200]
    return PurePath(path).name


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in {"script", "style"}

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
    except AssertionError:  # Python's parser gives up like this on some broken declarations
        return text
    return " ".join(" ".join(parser.words).split())
