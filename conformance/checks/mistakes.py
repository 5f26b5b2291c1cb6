"""Wrong input gets a status of the caller's own and a JSON body that says what is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from conformance.check import Check, expect
from conformance.sample import Sample
from conformance.stack import Stack
from services.common.app import MAX_BODY_BYTES


@dataclass(frozen=True)
class Wrong:
    """A request that is wrong in one way, the status that it gets, and a word of the detail."""

    what: str
    method: str
    path: str
    status: int
    body: object = None
    says: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


QUERY, JOBS, SEARCH = "/api/v1/rag/query", "/api/v1/ingestion/jobs", "/api/v1/rag/search"
COLLECTIONS, DOCS = "/api/v1/collections", "/api/v1/docs"
WRONG = (
    Wrong("a body over the limit", "POST", QUERY, 413, b" " * (MAX_BODY_BYTES + 1), str(MAX_BODY_BYTES)),
    Wrong("a body that is no JSON", "POST", QUERY, 400, b"{", "JSON"),
    Wrong("a question that is no text", "POST", QUERY, 400, {"question": 7}, "question"),
    Wrong("no question", "POST", QUERY, 400, {}, "question"),
    Wrong("an empty search", "GET", f"{SEARCH}?q=", 400, says="q"),
    Wrong("a limit out of range", "GET", f"{SEARCH}?q=edge&limit=0", 400, says="limit"),
    Wrong("a NUL character", "GET", f"{SEARCH}?q=a%00b", 400, says="q"),
    Wrong("an unknown collection", "GET", f"{SEARCH}?q=edge&collection=nothing", 404, says="nothing"),
    Wrong("a job for an unknown collection", "POST", JOBS, 404, {"collection": "nothing"}, "nothing"),
    Wrong("a job's path that leads out", "POST", JOBS, 400, {"collection": "x", "paths": ["../x"]}, "paths"),
    Wrong("a collection without a name", "POST", COLLECTIONS, 400, {"directory": "."}, "name"),
    Wrong("a folder out of the data root", "POST", COLLECTIONS, 400, {"name": "x", "directory": ".."}, "directory"),
    Wrong("an unknown document", "GET", f"{DOCS}/nothing.md", 404, says="nothing.md"),
    Wrong("a document's path that leads out", "GET", f"{DOCS}/..%2f..%2fetc%2fpasswd", 404),
    Wrong("a deadline that is none", "GET", f"{SEARCH}?q=edge", 400, headers={"X-Request-Deadline": "soon"}),
)


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """For each kind of wrong input."""
    for wrong in WRONG:
        yield Check(f"{wrong.what} gets {wrong.status}", partial(_answers, stack, wrong))


def _answers(stack: Stack, wrong: Wrong) -> None:
    answer = stack.ask(wrong.method, wrong.path, wrong.body, headers=wrong.headers)
    expect(answer.status == wrong.status, f"{answer}; expected {wrong.status}")
    said = answer.json()
    expect(set(said) == {"error", "detail"}, f"{answer}; expected an error with its detail")
    expect(wrong.says in said["detail"], f"{answer}; expected a detail with {wrong.says!r}")
    answer.header("X-Request-ID")
