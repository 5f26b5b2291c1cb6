"""The documentation API: list, search and read the documents' files."""

import asyncio
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from services.common.errors import ErrorBody
from services.common.responses import Json
from services.rag.documents import File, kind, locate, read
from services.rag.index import Index
from services.rag.text import title

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$"), Query()
]
# A document is content, not a part of this application: it may neither run scripts here nor pass for another type.
_HEADERS = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}


class Document(BaseModel):
    """A document's file."""

    path: str
    title: str
    size: int
    modified: str
    format: str


class DocumentList(BaseModel):
    """A page of the list, by path."""

    documents: list[Document]
    total: int
    offset: int
    limit: int


class Found(BaseModel):
    """A document that contains the words."""

    path: str
    title: str
    format: str
    score: float
    snippet: str


class FoundList(BaseModel):
    """The documents that contain the words, best first."""

    query: str
    results: list[Found]
    took_ms: float


class DocumentText(Document):
    """A document with its text; `content` is null for binary formats."""

    content: str | None


def docs_router(index: Index) -> APIRouter:
    """`/api/v1/docs…`."""
    router = APIRouter(prefix="/api/v1/docs", tags=["docs"])

    @router.get("", responses={200: {"model": DocumentList}})
    async def documents(
        offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> Response:
        """The documents, by path."""
        total, page = await asyncio.to_thread(index.page, offset, limit)
        return Json({"documents": page, "total": total, "offset": offset, "limit": limit})

    @router.get("/search", responses={200: {"model": FoundList}})
    async def search(q: Words, limit: Annotated[int, Query(ge=1, le=100)] = 10) -> Response:
        """The documents that contain the words; PDF and DOCX are found by their names only."""
        started = perf_counter()
        results = await asyncio.to_thread(index.search, q, limit)
        return Json({"query": q, "results": results, "took_ms": round((perf_counter() - started) * 1000, 2)})

    @router.get("/{path:path}", responses={200: {"model": DocumentText}, 404: {"model": ErrorBody}})
    async def document(request: Request, path: str) -> Response:
        """The document's file as it is; with `Accept: application/json` its text and what the list says of it."""
        if "application/json" in request.headers.get("accept", ""):
            return Json(await asyncio.to_thread(_described, index, path), headers=_HEADERS)
        found = await asyncio.to_thread(locate, index.root, path)
        return _File(
            found, media_type=kind(path)[1], filename=found.name, content_disposition_type="inline", headers=_HEADERS
        )

    return router


class _File(FileResponse):
    """Always the whole file: Starlette's answers to a wrong `Range` would not be JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["accept-ranges"] = "none"
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"range"]
        await super().__call__(scope, receive, send)


def _described(index: Index, path: str) -> dict[str, object]:
    text = read(index.root, path)
    status = locate(index.root, path).stat()
    file = File(path, status.st_size, status.st_mtime_ns)
    return {
        "path": path,
        "title": title(path, text),
        "size": file.size,
        "modified": file.modified,
        "format": kind(path)[0],
        "content": text,
    }
