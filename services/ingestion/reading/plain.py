"""Plain text and source code."""

import re

from services.ingestion.reading.content import Content, Part, UnreadableError

LONGEST_TITLE = 100  # characters; a longer first line is a sentence


def decoded(data: bytes) -> str:
    """The text of a file; raises UnreadableError unless it is UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from None
    if "\0" in text:
        raise UnreadableError("is not text: it contains NUL bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text(data: bytes) -> Content:
    """Everything; a short first line that stands alone, or over a ruler, is the title."""
    whole = decoded(data)
    head = re.match(r"\s*[=#]*[ \t]*(\S.*)\n(?:[=\-~*#^]{3,}[ \t]*\n|[ \t]*\n)", whole)
    title = head.group(1).strip() if head and len(head.group(1)) <= LONGEST_TITLE else None
    return Content([Part(whole)], title)


def code(data: bytes) -> Content:
    """Everything; a source file has no title but its name."""
    return Content([Part(decoded(data))])
