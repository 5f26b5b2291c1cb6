"""Word: paragraphs and tables in their order, sections by the heading styles."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from services.ingestion.reading.content import Content, Outline, UnreadableError, one_line

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of a protected .docx, and of an old .doc
LARGEST_XML = 64 * 1024 * 1024  # bytes unpacked; a zip of zeros grows a thousandfold
_LEVELS = {"title": 0} | {f"heading{level}": level for level in range(1, 7)}


def docx(data: bytes) -> Content:
    """The text of paragraphs, a row of a table as one line."""
    outline = Outline()
    for block in _body(data):
        if block.tag == f"{WORD}tbl":
            for row in block.iter(f"{WORD}tr"):
                outline.add(" | ".join(one_line(_text(cell)) or "" for cell in row.iter(f"{WORD}tc")))
        elif text := one_line(_text(block)):
            level = _level(block)
            if level is None:
                outline.add(text)
            else:
                outline.heading(level, text)
    return outline.content()


def _body(data: bytes) -> Iterator[ET.Element]:
    if data.startswith(ENCRYPTED):
        raise UnreadableError("is protected by a password, or an old .doc under another name")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo("word/document.xml").file_size > LARGEST_XML:
                raise UnreadableError(f"unpacks to more than {LARGEST_XML // 2**20} MiB")
            root = ET.fromstring(archive.read("word/document.xml"))  # noqa: S314 - expat itself stops entity bombs
    except (zipfile.BadZipFile, zlib.error, KeyError, ET.ParseError, NotImplementedError, RuntimeError) as error:
        raise UnreadableError(f"cannot be read as Word document: {type(error).__name__}: {error}") from None
    body = root.find(f"{WORD}body")
    return _blocks(body) if body is not None else iter(())


def _blocks(parent: ET.Element) -> Iterator[ET.Element]:
    for child in parent:
        if child.tag in {f"{WORD}p", f"{WORD}tbl"}:
            yield child
        else:  # content controls and the like
            yield from _blocks(child)


def _level(paragraph: ET.Element) -> int | None:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    name = style.get(f"{WORD}val", "") if style is not None else ""
    return _LEVELS.get(name.lower().replace(" ", ""))


def _text(element: ET.Element) -> str:
    pieces = []
    for node in element.iter():
        if node.tag == f"{WORD}t":
            pieces.append(node.text or "")
        elif node.tag in {f"{WORD}tab", f"{WORD}br", f"{WORD}p"}:
            pieces.append(" ")
    return "".join(pieces)
