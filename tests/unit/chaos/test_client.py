import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from chaos.client import Client, NoWholeAnswerError, classify, last_event, lost, read, session
from chaos.operations import OPERATIONS, Ask
from chaos.record import Outcome, Request
from tests.servers import REFUSING, Answer, Clock, Upstream, drops, hangs, says, streams, upstream

FOUND = {"results": [{"document": {"path": "search.md"}, "chunk": 3, "text": "Found " + 100 * "x"}]}
DONE = b'event: done\ndata: {"citations": [{"path": "a.md", "chunk": 0}]}\n\n'
FAILED = b'event: error\ndata: {"error": "Service Unavailable"}\n\n'
SEARCH = Ask(OPERATIONS["search"], {"question": "what & why?", "marker": "m1"})
STREAM = Ask(OPERATIONS["question-streamed"], {"question": "why?"})


async def asked(answer: Answer, ask: Ask = SEARCH, patience_s: float = 2.0) -> tuple[Request, Upstream]:
    async with upstream(answer) as server, session() as opened:
        doors = {"kong": server.url, "query": server.url}
        client = Client(opened, doors, token="t0k", clock=Clock(), patience_s=patience_s)
        return await client.ask(7, ask, 999.5), server


def with_headers(headers: Mapping[str, str], document: Any = FOUND, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status, headers=headers)

    return answer


STALE = {"X-From-Cache": "true", "X-Service-Degraded": "true"}


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, {}, Outcome.LIVE),
        (202, {}, Outcome.LIVE),
        (200, {"x-from-cache": "true"}, Outcome.CACHED),
        (200, {"x-from-cache": "true", "x-service-degraded": "true"}, Outcome.DEGRADED),
        (200, {"x-service-degraded": "true"}, Outcome.ERROR),
        (503, {"retry-after": "2"}, Outcome.UNAVAILABLE),
        (503, {}, Outcome.ERROR),
        (404, {}, Outcome.REFUSED),
        (429, {"retry-after": "2"}, Outcome.REFUSED),
        (500, {}, Outcome.ERROR),
        (504, {"retry-after": "2"}, Outcome.ERROR),
        (302, {}, Outcome.ERROR),
    ],
)
def test_status_and_headers_say_what_an_answer_is(status: int, headers: dict[str, str], outcome: Outcome) -> None:
    assert classify(status, headers) is outcome


async def test_an_answer_is_recorded_with_its_headers_and_what_it_found() -> None:
    request, server = await asked(with_headers(STALE))
    assert server.asked == [("GET", "/api/v1/rag/search?q=what%20%26%20why%3F&collection=docs&limit=5", None)]
    assert server.headers[0]["Authorization"] == "Bearer t0k"
    assert (request.number, request.operation, request.intended, request.started) == (7, "search", 999.5, 1000.0)
    assert (request.status, request.outcome, request.error) == (200, Outcome.DEGRADED, None)
    assert request.headers == {"x-from-cache": "true", "x-service-degraded": "true"}
    assert request.about == {
        "question": "what & why?",
        "marker": "m1",
        "results": ["search.md#3"],
        "begins": "Found " + 74 * "x",
    }


async def test_an_answer_that_says_no_is_recorded_with_what_it_said() -> None:
    request, _ = await asked(with_headers({"Retry-After": "2"}, {"error": "Service Unavailable"}, 503))
    assert (request.outcome, request.headers) == (Outcome.UNAVAILABLE, {"retry-after": "2"})
    assert "Service Unavailable" in str(request.error)


@pytest.mark.parametrize("document", [{"results": None}, {}, [], {"results": [{"chunk": 1}]}])
async def test_a_success_of_another_shape_is_an_error(document: Any) -> None:
    request, _ = await asked(says(document))
    assert (request.status, request.outcome) == (200, Outcome.ERROR)


async def test_a_success_that_is_no_json_is_an_error() -> None:
    request, _ = await asked(streams(b"<html>"))
    assert (request.status, request.outcome) == (200, Outcome.ERROR)


async def test_a_connection_that_breaks_is_lost_and_is_not_tried_again() -> None:
    request, server = await asked(drops)
    assert (request.status, request.outcome) == (None, Outcome.LOST)
    assert "Disconnected" in str(request.error)
    assert len(server.asked) == 1


async def test_an_answer_that_never_comes_is_lost() -> None:
    request, _ = await asked(hangs, patience_s=0.05)
    assert (request.status, request.outcome) == (None, Outcome.LOST)
    assert "Timeout" in str(request.error)


async def test_an_answer_cut_short_is_lost_though_its_status_came() -> None:
    request, _ = await asked(streams(b'{"results": [', then=drops))
    assert (request.status, request.outcome) == (200, Outcome.LOST)


async def test_a_connection_that_is_refused_is_lost() -> None:
    async with session() as opened:
        client = Client(opened, {"kong": REFUSING}, token="t", clock=Clock(), patience_s=1)
        request = await client.ask(0, SEARCH, 0)
    assert (request.outcome, request.about["marker"]) == (Outcome.LOST, "m1")


async def test_a_stream_is_good_when_it_ends_with_done() -> None:
    request, server = await asked(streams(b'event: sources\ndata: {"citations": []}\n\n', DONE), STREAM)
    assert server.asked[0][2] == {"question": "why?", "collection": "docs", "limit": 5, "stream": True}
    assert server.headers[0]["Accept"] == "text/event-stream"
    assert (request.outcome, request.about["results"]) == (Outcome.LIVE, ["a.md#0"])
    assert request.about["last_event"] == "done"


async def test_a_stream_that_ends_with_an_error_is_one() -> None:
    request, _ = await asked(streams(b'event: token\ndata: {"text": "a"}\n\n', FAILED), STREAM)
    assert (request.outcome, request.about["last_event"]) == (Outcome.ERROR, "error")
    assert "Service Unavailable" in str(request.error)


@pytest.mark.parametrize("stream", [b"", b'event: token\ndata: {"text": "a"}\n\n', DONE.removesuffix(b"\n")])
async def test_a_stream_that_ends_without_its_last_event_is_lost(stream: bytes) -> None:
    request, _ = await asked(streams(stream), STREAM)
    assert (request.status, request.outcome) == (200, Outcome.LOST)


def test_a_stream_is_not_taken_for_whole_by_words_in_its_text() -> None:
    with pytest.raises(NoWholeAnswerError):
        last_event(b'event: token\ndata: {"text": "event: done"}\n\n')


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_can_be_asked(name: str) -> None:
    request, server = await asked(says({}), Ask(OPERATIONS[name], {"question": "q"}))
    method, path, _ = server.asked[0]
    assert (method, request.operation) == (OPERATIONS[name].method, name)
    assert "{" not in path


@pytest.mark.parametrize(
    ("name", "answer", "kept"),
    [
        ("rag-status", {"status": "ok"}, {"says": "ok"}),
        ("documents", {"total": 3}, {"total": 3}),
        ("document", {"size": 9}, {"size": 9}),
        ("document-search", {"results": [{"path": "a.md"}]}, {"results": ["a.md"]}),
        ("collections", {"collections": [{"name": "docs"}]}, {"names": ["docs"]}),
        ("collection-documents", {"documents": [{"path": "a.md"}]}, {"paths": ["a.md"]}),
        ("collection-stats", {"vectors": None}, {"vectors": None}),
        ("reindex", {"id": "j1"}, {"job": "j1"}),
        ("job-start", {"id": "j1"}, {"job": "j1"}),
        ("jobs", {"jobs": [{"state": "done"}]}, {"states": ["done"]}),
        ("health", {"status": "ok"}, {}),
    ],
)
def test_of_an_answer_what_checkers_need_is_kept(name: str, answer: Any, kept: dict[str, Any]) -> None:
    assert read(OPERATIONS[name], 200, {}, json.dumps(answer).encode()) == (Outcome.LIVE, kept, None)


def test_a_service_is_asked_for_its_health_at_its_own_door() -> None:
    assert Ask(OPERATIONS["health"], {"service": "collections"}).door == "collections"
    assert SEARCH.door == "kong"


def test_a_question_that_is_missing_is_a_mistake_of_the_experiment() -> None:
    with pytest.raises(KeyError, match="question"):
        _ = Ask(OPERATIONS["search"]).path


def test_a_request_nobody_waited_for_says_why() -> None:
    request = lost(3, SEARCH, 1.0, 2.0, ended=4.0, why="the end")
    assert (request.outcome, request.status, request.error, request.seconds) == (Outcome.LOST, None, "the end", 3.0)
