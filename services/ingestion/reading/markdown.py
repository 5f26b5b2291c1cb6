"""Markdown: sections by its headings; front matter, comments, images and the addresses of links are left out."""

import re

from services.ingestion.reading.content import Content, Outline, one_line
from services.ingestion.reading.plain import decoded

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$\n?", re.DOTALL | re.MULTILINE)
DECLARED_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
COMMENT = re.compile(r"<!--.*?-->")
IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])")
LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
MARKS = re.compile(r"(\*\*|__|`)(.+?)\1")


def markdown(data: bytes) -> Content:
    """The text under its headings; code blocks and tables stay as they are written."""
    source = decoded(data)
    declared = None
    if front := FRONT_MATTER.match(source):
        source = source[front.end() :]
        found = DECLARED_TITLE.search(front.group(1))
        declared = found.group(1).strip().strip("\"'") if found else None
    outline = Outline()
    fence = ""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        mark = FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence):
                fence = ""
            outline.add(line)
        elif mark:
            fence = mark.group(1)
            outline.add(line)
        elif heading := HEADING.match(line):
            outline.heading(len(heading.group(1)), _heading_text(heading.group(2)))
        elif number + 1 < len(lines) and _is_underlined(line, lines[number + 1]):
            outline.heading(1 if "=" in lines[number + 1] else 2, _heading_text(line))
        elif not (number and _is_underlined(lines[number - 1], line)):
            outline.add(_visible(line))
    return outline.content(one_line(declared))


def _is_underlined(line: str, below: str) -> bool:
    # A list item, a table row, a quote or a ruler above dashes is no heading.
    return bool(UNDERLINE.match(below) and line.strip() and not re.match(r"\s*([-*+>|#]|\d+[.)]|`{3})", line))


def _visible(line: str) -> str:
    return LINK.sub(r"\1", IMAGE.sub("", COMMENT.sub("", line)))


def _heading_text(text: str) -> str:
    return MARKS.sub(r"\2", _visible(text)).strip() or "…"
