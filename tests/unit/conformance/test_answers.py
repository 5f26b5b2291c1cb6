import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from conformance import stack as stacks
from conformance.checks import documents, questions, search
from conformance.run import Result
from conformance.sample import NAME, Contents, Sample
from conformance.stack import Stack
from tests.unit.conformance.conftest import Asked, Lab, Said

PATHS = ("a.md", "b.md")
SEARCH = "a search finds passages with their documents"
FILTERS = "a search keeps to its limit and its path"
REQUEST_ID = "a request id comes back"
CACHED = "the same search again comes from the cache"
OLDER = "the older path finds the same"
QUESTION = "a question is answered with its sources"
STREAM = "a streamed answer is sources, text and the end"
JOB = "a job is recorded, followed and done"
DOCUMENT = "a listed document can be read"
ALL = {SEARCH, FILTERS, REQUEST_ID, CACHED, OLDER, QUESTION, STREAM, JOB, DOCUMENT}


@pytest.fixture(autouse=True)
def _ingested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "contents", Contents(PATHS, 2, "Title"))
    monkeypatch.setattr(search, "KEPT_S", 0.05)
    monkeypatch.setattr(documents, "JOB_S", 0.05)
    monkeypatch.setattr(stacks, "POLL_S", 0.01)


class Rag:
    """Answers as the four services do; `defects` change that."""

    def __init__(self, **defects: Any) -> None:
        self.defects = defects
        self.kept: dict[str, bytes] = {}

    def __call__(self, asked: Asked) -> Said:
        said = self.said(asked)
        given = asked.headers.get("X-Request-ID", "made") if not self.defects.get("own_id") else "made"
        return Said(said.status, said.body, {"X-Request-ID": given, **said.headers})

    def said(self, asked: Asked) -> Said:
        route = asked.route
        if route.endswith("/search"):
            return self.search(asked)
        if route == questions.QUERY:
            return self.question(asked)
        if route.startswith(documents.JOBS):
            return self.job(asked)
        if route == documents.DOCS:
            return Said(200, {"documents": [{"path": "a.md", "size": self.defects.get("size", 3)}]})
        return Said(200, b"abc", {"X-Content-Type-Options": "nosniff"})

    def search(self, asked: Asked) -> Said:
        if asked.route != search.SEARCH and "older" in self.defects:
            return Said(200, {"results": self.defects["older"]})
        key = asked.path.partition("?")[2]
        if key in self.kept and not self.defects.get("no_cache"):
            return Said(200, self.kept[key], {"X-From-Cache": "true", "Age": "0"})
        words = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        paths = [words["path"]] if "path" in words and not self.defects.get("no_filter") else [*PATHS]
        found = [{"score": 0.9 - n / 10, "text": "t", "document": {"path": path}} for n, path in enumerate(paths)]
        found = self.defects.get("results", found)
        self.kept[key] = json.dumps({"collection": NAME, "results": found, "took_ms": len(self.kept)}).encode()
        return Said(200, self.kept[key], self.defects.get("headers", {}))

    def question(self, asked: Asked) -> Said:
        citations = self.defects.get("citations", [{"marker": 1, "path": "a.md"}])
        done = {"answer": "so it is [1]", "citations": citations, "model": "m"}
        if "Accept" not in asked.headers or "event-stream" not in asked.headers["Accept"]:
            return Said(200, done)
        events = [("sources", {"citations": citations}), ("token", {"text": "so it "}), ("token", {"text": "is [1]"})]
        events = self.defects.get("events", [*events, ("done", done)])
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
        return Said(200, body.encode(), {"Content-Type": "text/event-stream"})

    def job(self, asked: Asked) -> Said:
        job = {"id": "7", "state": self.defects.get("state", "done"), "counts": {"unchanged": len(PATHS)}}
        if asked.method == "POST":
            return Said(202, job, {"Location": f"{documents.JOBS}/7"})
        if asked.route.endswith("/events"):
            body = b"event: document\ndata: {}\n\n" * len(PATHS) + b": still here\n\nevent: end\ndata: {}\n\n"
            return Said(200, body, {"Content-Type": "text/event-stream"})
        return Said(200, job if asked.route.endswith("/7") else {"jobs": [job]})


def made(lab: Lab, stack: Stack) -> list[Result]:
    return [one for group in (search, questions, documents) for one in lab.results(group, stack)]


def test_services_that_keep_the_contract_conform(lab: Lab) -> None:
    results = made(lab, lab.stack(Rag()))
    assert {one.name: one.verdict for one in results} == dict.fromkeys(ALL, "ok")


@pytest.mark.parametrize(
    ("defects", "noticed"),
    [
        ({"results": []}, {SEARCH, FILTERS}),
        ({"results": [{"score": 0.1, "text": "t", "document": {"path": "foreign.md"}}]}, {SEARCH, FILTERS}),
        ({"results": [{"score": 7, "text": "t", "document": {"path": "a.md"}}]}, {SEARCH}),
        ({"results": "none"}, {SEARCH, FILTERS}),
        ({"older": []}, {OLDER}),
        ({"no_filter": True}, {FILTERS}),
        ({"own_id": True}, {REQUEST_ID}),
        ({"no_cache": True}, {CACHED}),
        ({"headers": {"X-Service-Degraded": "true"}}, {SEARCH, FILTERS, OLDER}),
        ({"headers": {"X-From-Cache": "true"}}, {CACHED}),
        ({"citations": []}, {QUESTION, STREAM}),
        ({"citations": [{"marker": 1, "path": "foreign.md"}]}, {QUESTION, STREAM}),
        ({"events": [("token", {"text": "x"}), ("sources", {})]}, {STREAM}),
        ({"events": []}, {STREAM}),
        ({"state": "running"}, {JOB}),
        ({"size": 4}, {DOCUMENT}),
    ],
)
def test_a_broken_contract_is_noticed_by_its_checks(lab: Lab, defects: dict[str, Any], noticed: set[str]) -> None:
    results = made(lab, lab.stack(Rag(**defects)))
    assert {one.name for one in results if one.verdict == "FAILED"} == noticed


def test_a_stack_without_a_cache_or_older_paths_is_not_judged_by_them(lab: Lab) -> None:
    stack = lab.stack(Rag(no_cache=True), environment={"CACHE_ENABLED": "false", "LEGACY_ROUTES": "false"})
    verdicts = {one.name: one.verdict for one in made(lab, stack)}
    assert {name for name, verdict in verdicts.items() if verdict == "not applicable"} == {CACHED, OLDER}
    assert "FAILED" not in verdicts.values()
