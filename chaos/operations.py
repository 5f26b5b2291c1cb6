"""What the harness asks of the stack, as data: a request's method, path and body, and what is kept of its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

GATEWAY = "kong"
BEGINNING = 80  # characters of the first passage that are kept, to tell which version of a document it is of
DEFAULTS = {"collection": "docs", "limit": "5", "path": "architecture.md", "words": "port", "service": "query"}

Values = Mapping[str, str]


def _nothing(_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Operation:
    """One kind of request; `door` is the component that is asked, and it and `path` are templates over the values.

    `keeps` takes the decoded answer (a stream's last event) and raises KeyError or TypeError for one of another shape.
    """

    name: str
    method: str
    path: str
    door: str = GATEWAY
    body: Callable[[Values], dict[str, Any]] | None = None
    streamed: bool = False
    keeps: Callable[[Any], dict[str, Any]] = _nothing


@dataclass(frozen=True)
class Ask:
    """An operation with the values that fill it, such as `question` and `collection`."""

    operation: Operation
    values: Values = field(default_factory=dict)

    @property
    def filled(self) -> dict[str, str]:
        """The values, with a default for those that have one."""
        return DEFAULTS | dict(self.values)

    @property
    def door(self) -> str:
        """The component that is asked."""
        return self.operation.door.format_map(self.filled)

    @property
    def path(self) -> str:
        """The path with its query, encoded; raises KeyError for a value that is missing."""
        return self.operation.path.format_map({name: quote(value, safe="/") for name, value in self.filled.items()})

    @property
    def body(self) -> dict[str, Any] | None:
        """What is sent as JSON."""
        return self.operation.body(self.filled) if self.operation.body else None


def passage(path: str, chunk: int) -> str:
    """A passage's name in the record: the document and its chunk."""
    return f"{path}#{chunk}"


def _found(answer: Any) -> dict[str, Any]:
    found = answer["results"]
    names = [passage(hit["document"]["path"], hit["chunk"]) for hit in found]
    return {"results": names, "begins": found[0]["text"][:BEGINNING] if found else ""}


def _cited(answer: Any) -> dict[str, Any]:
    return {"results": [passage(citation["path"], citation["chunk"]) for citation in answer["citations"]]}


def _question(values: Values) -> dict[str, Any]:
    return {"question": values["question"], "collection": values["collection"], "limit": int(values["limit"])}


def _streamed_question(values: Values) -> dict[str, Any]:
    return _question(values) | {"stream": True}


def _job(values: Values) -> dict[str, Any]:
    return {"collection": values["collection"]}


_SEARCH = "search?q={question}&collection={collection}&limit={limit}"

OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("search", "GET", f"/api/v1/rag/{_SEARCH}", keeps=_found),
        Operation("question", "POST", "/api/v1/rag/query", body=_question, keeps=_cited),
        Operation(
            "question-streamed", "POST", "/api/v1/rag/query", body=_streamed_question, streamed=True, keeps=_cited
        ),
        Operation("rag-search", "GET", f"/api/rag/{_SEARCH}", keeps=_found),
        Operation("rag-question", "POST", "/api/rag/query", body=_question, keeps=_cited),
        Operation("rag-status", "GET", "/api/v1/rag/status", keeps=lambda answer: {"says": answer["status"]}),
        Operation("documents", "GET", "/api/v1/docs", keeps=lambda answer: {"total": answer["total"]}),
        Operation("document", "GET", "/api/v1/docs/{path}", keeps=lambda answer: {"size": answer["size"]}),
        Operation(
            "document-search",
            "GET",
            "/api/v1/docs/search?q={words}",
            keeps=lambda answer: {"results": [found["path"] for found in answer["results"]]},
        ),
        Operation(
            "collections",
            "GET",
            "/api/v1/collections",
            keeps=lambda answer: {"names": [collection["name"] for collection in answer["collections"]]},
        ),
        Operation(
            "collection-documents",
            "GET",
            "/api/v1/collections/{collection}/documents?limit=1000",
            keeps=lambda answer: {"paths": [document["path"] for document in answer["documents"]]},
        ),
        Operation(
            "collection-stats",
            "GET",
            "/api/v1/collections/{collection}/stats",
            keeps=lambda answer: {"vectors": answer["vectors"]},
        ),
        Operation(
            "reindex", "POST", "/api/v1/collections/{collection}/reindex", keeps=lambda answer: {"job": answer["id"]}
        ),
        Operation("job-start", "POST", "/api/v1/ingestion/jobs", body=_job, keeps=lambda answer: {"job": answer["id"]}),
        Operation(
            "jobs",
            "GET",
            "/api/v1/ingestion/jobs",
            keeps=lambda answer: {"states": [job["state"] for job in answer["jobs"]]},
        ),
        Operation("health", "GET", "/health", door="{service}"),
    )
}
"""Every operation by its name, which is its name in the outage contract too."""
