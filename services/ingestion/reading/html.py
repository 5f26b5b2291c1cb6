"""HTML: the visible text, sections by its headings."""

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from services.ingestion.reading.content import Content, Outline, one_line
from services.ingestion.reading.plain import decoded

INVISIBLE = ("script", "style", "template", "noscript", "head", "svg")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# fmt: off
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "nav", "ol", "p", "section", "summary",
    "table", "tbody", "tfoot", "thead", "tr", "ul",
))
# fmt: on


def html(data: bytes) -> Content:
    """What a browser would show, a block a line; <title> is the title."""
    soup = BeautifulSoup(decoded(data), "html.parser")
    declared = one_line(soup.title.get_text()) if soup.title else None
    for tag in soup.find_all(INVISIBLE):
        tag.decompose()
    page = _Page()
    page.walk(soup)
    page.end_line()
    return page.outline.content(declared)


class _Page:
    def __init__(self) -> None:
        self.outline = Outline()
        self._line: list[str] = []

    def walk(self, tag: Tag) -> None:
        for child in tag.children:
            if isinstance(child, Tag):
                self._enter(child)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._line.append(str(child))

    def end_line(self) -> None:
        if text := one_line("".join(self._line)):
            self.outline.add(text)
        self._line.clear()

    def _enter(self, tag: Tag) -> None:
        if tag.name in HEADINGS:
            self.end_line()
            if text := one_line(tag.get_text(" ")):
                self.outline.heading(HEADINGS[tag.name], text)
        elif tag.name == "pre":
            self.end_line()
            self.outline.add(tag.get_text())
        elif tag.name in BLOCKS:
            self.end_line()
            self.walk(tag)
            self.end_line()
        else:
            if tag.name in {"td", "th"} and one_line("".join(self._line)):
                self._line.append(" | ")
            self.walk(tag)
