"""PDF: the text of each page."""

import io
import logging

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from services.ingestion.reading.content import Content, Part, UnreadableError, one_line

logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of each flaw that it could repair


def pdf(data: bytes) -> Content:
    """The text of each page that has any, with the page's number from 1."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("is protected by a password")
        parts = [Part(page.extract_text(), page=number) for number, page in enumerate(reader.pages, 1)]
        title = one_line(reader.metadata.title if reader.metadata else None)
    except (DependencyError, FileNotDecryptedError):
        raise UnreadableError("is encrypted in a way that cannot be read") from None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        # A broken file fails in pypdf wherever it happens to be broken.
        raise UnreadableError(f"cannot be read as PDF: {type(error).__name__}: {error}") from None
    parts = [part for part in parts if part.text.strip()]
    if not parts:
        raise UnreadableError("holds no text; scanned pages are pictures, and there is no text recognition")
    return Content(parts, None if title in {"untitled", "(anonymous)", "(unspecified)"} else title)
