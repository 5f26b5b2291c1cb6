"""The critical functions against services of a few lines, of which one after the other is broken."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from conformance.check import NonconformingError
from infra.rollout import functions
from infra.rollout.functions import KNOWN, NAME, Place, collection, tried
from infra.rollout.limits import CRITICAL
from infra.rollout.measurements import Check
from services.common.middleware.request_id import SYNTHETIC
from services.common.service_secret import HEADER
from services.ingestion.settings import IngestionSettings

SECRETS = ("now", "before")


@dataclass
class Services:
    """All services at one address."""

    folder: Path
    broken: set[str] = field(default_factory=set)
    indexed: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    collections: set[str] = field(default_factory=set)
    questions: int = 0
    forced: bool = False  # the last job
    waited_s: int = 0  # until a job began

    def answer(  # noqa: C901, PLR0911 - a table of what is asked and what is answered
        self, method: str, url: str, token: str | None, body: Any
    ) -> tuple[int, Any]:
        path = urlsplit(url).path
        if any(path.endswith(part) for part in self.broken):
            return 500, {"error": "broken"}
        match method, path.rstrip("/").split("/")[3:]:
            case "GET", ["rag", "search"]:
                words = parse_qs(urlsplit(url).query)["q"][0]
                texts = {name: self.texts[name] for name in tuple(self.indexed)}
                found = [name for name, text in texts.items() if {*words.split()[:-1]} & {*text.split()}]
                return 200, {"results": [{"document": {"path": name}} for name in sorted(found)]}
            case "POST", ["rag", "query"]:
                self.questions += 1
                return 200, {"answer": "Ilse Varga", "citations": [{"path": name} for name in self.indexed]}
            case "POST", ["ingestion", "jobs"]:
                path = self.folder / (name := body["paths"][0])
                if there := path.exists():
                    self.texts[name] = path.read_text()
                (self.indexed.add if there else self.indexed.discard)(name)
                self.forced = body["force"]
                return 202, {"id": "1", "there": there}
            case "GET", ["ingestion", "jobs", "1"]:
                at = {
                    "created_at": "2026-01-02T03:04:05+00:00",
                    "started_at": f"2026-01-02T03:04:{5 + self.waited_s:02}Z",
                }
                return 200, {"state": "done", "counts": {"indexed": int(self.forced)}, **at}
            case "POST", ["collections"]:
                self.collections.add(body["name"])
                return 201, {}
            case "GET", ["collections"]:
                return 200, {"collections": [{"name": name} for name in self.collections]}
            case "GET", ["collections", _, "documents"]:
                return 200, {"documents": [{"path": name} for name in self.indexed]}
            case "DELETE", ["collections", name]:
                self.collections.discard(name)
                return 204, None
            case "GET", ["docs"]:
                return 200, {}
        if path == "/internal/service-token":
            return (200 if token in SECRETS or "guard" in self.broken else 403), {"sends": "", "accepts": {}}
        return 404, {}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path / NAME)


@pytest.fixture
def place(services: Services) -> Iterator[Place]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            status, said = services.answer(self.command, self.path, self.headers.get(HEADER), body)
            if not (self.path.startswith("/internal") or self.headers["X-Request-ID"].startswith(SYNTHETIC)):
                status = 400  # the services would count it as a caller's
            self.send_response(status)
            self.end_headers()
            if status != 204:
                self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    names = ("query", "rag-service", "collections", "ingestion")
    yield Place("candidate", dict.fromkeys(names, url), SECRETS, services.folder)
    server.shutdown()
    thread.join()
    server.server_close()


def every(place: Place) -> list[Check]:
    """One try of each."""
    return [check for function in CRITICAL for check in tried(place, function)]


def failed(place: Place) -> list[str]:
    return [check.function for check in every(place) if not check.passed]


def test_the_functions_that_are_tried_are_the_critical_ones() -> None:
    assert tuple(functions.FUNCTIONS) == CRITICAL


def test_all_functions_work_on_a_collection_of_their_own_and_leave_nothing(services: Services, place: Place) -> None:
    with collection(place):
        checks = every(place)
        assert [(check.function, check.release, check.passed) for check in checks] == [
            (name, "candidate", True) for name in CRITICAL
        ]
        written = services.indexed - {KNOWN}  # it stays until the next try, so that the vector nodes can be compared
        assert len(written) == 1
        assert failed(place) == []
        assert len(services.indexed) == 2
        assert services.indexed.isdisjoint(written)
        assert {path.name for path in services.folder.iterdir()} == services.indexed
    assert not services.folder.exists()
    assert services.collections == set()


@pytest.mark.parametrize(
    ("broken", "functions"),
    [
        ("/rag/search", ["search", "ingest"]),
        ("/rag/query", ["query"]),
        ("/ingestion/jobs", ["ingest"]),
        ("/documents", ["list"]),
        ("/docs", ["list"]),
        ("/service-token", ["rotate"]),
        ("guard", ["rotate"]),
    ],
)
def test_a_broken_function_is_told_from_those_that_work(
    services: Services, place: Place, broken: str, functions: list[str]
) -> None:
    with collection(place):
        services.broken = {broken}
        assert failed(place) == functions
        services.broken = set()
        assert failed(place) == []


def test_a_search_that_finds_something_else_is_broken(services: Services, place: Place) -> None:
    with collection(place):
        services.indexed = set()
        (check,) = tried(place, "search")
        assert (check.passed, check.said) == (False, f"a search for what {KNOWN} says found nothing")


@pytest.mark.parametrize(("waited_s", "tried_too"), [(9, True), (10, False)])
def test_what_the_other_release_may_have_done_is_not_tried(
    services: Services, place: Place, waited_s: int, tried_too: bool
) -> None:
    with collection(place):
        services.waited_s = waited_s
        assert ("ingest" in [check.function for check in every(place)]) == tried_too
    assert IngestionSettings.model_fields["lease_s"].default == functions.KEPT_S


def test_only_what_is_named_is_tried(services: Services, place: Place) -> None:
    with collection(place):
        assert [check.function for check in tried(place, "list")] == ["list"]
        assert services.questions == 0


def test_a_collection_that_cannot_be_made_says_why_and_leaves_nothing(services: Services, place: Place) -> None:
    services.broken = {"/ingestion/jobs"}
    with pytest.raises(NonconformingError, match="expected 202"), collection(place):
        pass
    assert not services.folder.exists()
