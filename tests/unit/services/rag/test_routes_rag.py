import asyncio
from typing import Any

import pytest
from aiohttp import web

from services.common import health
from services.common import service as service_module
from services.common.app import VERSION
from services.common.service import ServiceUnavailableError
from services.common.service_secret import HEADER
from services.rag.routes_rag import summary
from tests.servers import Answer, Caller, drops, eventually, hangs, says, streams
from tests.unit.services.rag.conftest import Service

EVENTS = "text/event-stream"
DEPENDENCIES = {"qdrant": {"ok": True}, "redis": {"ok": True}}
MODELS = {"embedding": "all-minilm", "generation": "extractive"}
READY = {"service": "query", "ready": True, "dependencies": DEPENDENCIES}
STATUS = {"version": "0.9", "models": MODELS, "collections": [{"name": "docs", "points": 3}]}


def answers(**headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=418, body=b"tea", headers={"Content-Type": "text/tea", **headers})

    return answer


def by_path(**answers: Answer) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await answers[request.path.strip("/").replace("/", "_")](request)

    return answer


async def test_a_search_goes_to_query_with_the_service_token(service: Service) -> None:
    await service.http.get(
        "/api/v1/rag/search?q=a%20b%26c&q=%C3%BC+x&limit=3",
        headers={"X-Consumer-Username": "app", "X-Request-ID": "one", "Accept": "text/x", "Cookie": "user=1"},
    )
    assert service.asked() == [("GET", "/internal/search?q=a%20b%26c&q=%C3%BC+x&limit=3", None)]
    headers = service.headers()
    assert headers[HEADER] == "s"
    assert (headers["X-Consumer-Username"], headers["X-Request-ID"], headers["Accept"]) == ("app", "one", "text/x")
    assert "Cookie" not in headers


async def test_a_callers_own_service_token_is_not_passed_on(service: Service) -> None:
    await service.http.get("/api/v1/rag/search?q=x", headers={HEADER: "guess"})
    assert service.headers().getall(HEADER) == ["s"]


async def test_a_question_goes_to_query_with_its_body(service: Service) -> None:
    await service.http.post("/api/v1/rag/query", json={"question": "why?"})
    assert service.asked() == [("POST", "/internal/query", {"question": "why?"})]
    assert service.headers()["Content-Type"] == "application/json"


async def test_bytes_beyond_ascii_in_a_query_are_passed_on_escaped(service: Service) -> None:
    caller = Caller(service.app, "GET", "/api/v1/rag/search", query="q=\xff\xc3\xbc%20x")
    await caller.done
    assert caller.status == 200
    assert service.asked()[0][1] == "/internal/search?q=%FF%C3%BC%20x"


@pytest.mark.parametrize("host", ["evil/internal/status?", "a b", "x#", "[::1"])
async def test_no_host_header_changes_where_a_request_goes(service: Service, host: str) -> None:
    caller = Caller(service.app, "GET", "/api/v1/rag/search", query="q=x", headers={"host": host})
    await caller.done
    assert [path for _, path, _ in service.asked()] == ["/internal/search?q=x"]


async def test_an_answer_comes_back_with_its_status_and_its_headers(service: Service) -> None:
    service.query.answer = answers(
        **{"X-From-Cache": "true", "Retry-After": "7", "X-Request-ID": "else", "Set-Cookie": "a=b"}
    )
    answer = await service.http.get("/api/v1/rag/search?q=x", headers={"X-Request-ID": "one"})
    assert (answer.status_code, answer.content) == (418, b"tea")
    assert answer.headers["content-type"] == "text/tea"
    assert (answer.headers["x-from-cache"], answer.headers["retry-after"]) == ("true", "7")
    assert answer.headers.get_list("x-request-id") == ["one"]
    assert "set-cookie" not in answer.headers


async def test_a_redirect_is_not_followed(service: Service) -> None:
    async def redirects(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/")

    service.query.answer = redirects
    assert (await service.http.get("/api/v1/rag/search?q=x")).status_code == 302


async def test_a_stream_comes_as_it_is_written(service: Service) -> None:
    service.query.answer = streams(b"event: sources\n\n", then=hangs, content_type=EVENTS)
    caller = Caller(service.app, "POST", "/api/v1/rag/query", body=b"{}")
    await eventually(lambda: caller.body)
    assert (caller.status, caller.body) == (200, b"event: sources\n\n")
    caller.hang_up()
    await asyncio.wait_for(service.query.hung_up.wait(), 1)
    await caller.done
    assert caller.sent[-1].get("more_body") is True


async def test_a_client_that_hangs_up_without_having_read_hangs_up_on_query_too(service: Service) -> None:
    service.query.answer = streams(b"event: sources\n\n", then=hangs, content_type=EVENTS)
    caller = Caller(service.app, "POST", "/api/v1/rag/query", body=b"{}", stalls_at=b"sources")
    await eventually(lambda: caller.body)
    caller.hang_up()
    await asyncio.wait_for(service.query.hung_up.wait(), 1)
    await caller.done


async def test_a_client_that_hangs_up_before_the_answer_hangs_up_on_query(service: Service) -> None:
    service.query.answer = hangs
    caller = Caller(service.app, "POST", "/api/v1/rag/query", body=b"{}")
    await eventually(service.asked)
    caller.hang_up()
    await asyncio.wait_for(service.query.hung_up.wait(), 1)
    await caller.done
    assert caller.sent == []


async def test_an_answer_that_breaks_off_is_cut_rather_than_ended(service: Service) -> None:
    service.query.answer = streams(b"event: sources\n\n", then=drops, content_type=EVENTS)
    caller = Caller(service.app, "POST", "/api/v1/rag/query", body=b"{}")
    with pytest.raises(ServiceUnavailableError, match="query does not answer"):
        await caller.done
    assert caller.sent[-1].get("more_body") is True


async def test_an_answer_that_is_no_stream_and_breaks_off_is_503_and_not_half_of_it(service: Service) -> None:
    service.query.answer = streams(b'{"results": [', then=drops, content_type="application/json")
    answer = await service.http.get("/api/v1/rag/search?q=x")
    assert (answer.status_code, answer.json()["error"]) == (503, "Service Unavailable")
    assert "retry-after" in answer.headers


async def test_without_query_the_answer_is_503_and_the_documents_are_still_there(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.query.answer = drops
    for answer in (await service.http.get("/api/v1/rag/search?q=x"), await service.http.post("/api/rag/query")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["detail"].startswith("query does not answer: ")
    assert (await service.http.get("/api/v1/docs")).status_code == 200
    monkeypatch.setattr(health, "FRESH_S", -1.0)
    ready = await service.http.get("/ready")
    assert (ready.status_code, ready.json()["dependencies"]["query"]["ok"]) == (200, False)


@pytest.mark.parametrize(
    "path", ["/api/v1/rag/health", "/api/v1/rag/internal/status", "/api/v1/rag/../status", "/api/rag/"]
)
async def test_nothing_else_of_query_can_be_reached(service: Service, path: str) -> None:
    caller = Caller(service.app, "GET", path)
    await caller.done
    assert (caller.status, service.asked()) == (404, [])


async def test_methods_are_those_of_query(service: Service) -> None:
    assert (await service.http.post("/api/v1/rag/search")).status_code == 405
    assert (await service.http.get("/api/v1/rag/query")).status_code == 405


async def test_older_paths_are_passed_on_too(service: Service) -> None:
    answer = await service.http.get("/api/rag/search?q=x")
    assert service.asked() == [("GET", "/internal/search?q=x", None)]
    assert answer.headers["link"] == '</api/v1/rag/search>; rel="successor-version"'


async def test_the_status_of_the_whole_is_put_together_from_querys_own(service: Service) -> None:
    service.query.answer = by_path(ready=says(READY), internal_status=says(STATUS))
    answer = await service.http.get("/api/v1/rag/status")
    assert answer.json() == {
        "status": "ok",
        "version": VERSION,
        "query": {"reachable": True, "version": "0.9", "ready": True, "models": MODELS, "dependencies": DEPENDENCIES},
        "collections": STATUS["collections"],
    }
    asked = zip(service.query.asked, service.query.headers, strict=True)
    assert {headers.get(HEADER) for (_, path, _), headers in asked if path != "/health"} == {"s"}


async def test_a_query_that_is_not_ready_still_tells_why(service: Service) -> None:
    service.query.answer = by_path(ready=says({**READY, "ready": False}, 503), internal_status=says(STATUS))
    body = (await service.http.get("/api/v1/rag/status")).json()
    assert (body["status"], body["query"]["reachable"], body["query"]["ready"]) == ("unavailable", True, False)


@pytest.mark.parametrize(
    "answer",
    [
        drops,
        hangs,
        streams(b"<html>"),
        streams(b'{"ready"', then=drops),
        by_path(ready=says(READY), internal_status=says({"error": "Forbidden"}, 403)),
        by_path(ready=says({"error": "Internal Server Error"}, 500), internal_status=says(STATUS)),
    ],
    ids=["drops", "hangs", "no json", "breaks off", "another token", "defect"],
)
async def test_whatever_is_wrong_with_query_the_status_is_unavailable(
    service: Service, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "TIMEOUT_S", 0.05)
    service.query.answer = answer
    told = await service.http.get("/api/v1/rag/status")
    unavailable = {"status": "unavailable", "version": VERSION, "query": {"reachable": False}, "collections": None}
    assert (told.status_code, told.json()) == (200, unavailable)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, "ok"),
        ({"collections": []}, "ok"),
        ({"collections": None}, "degraded"),
        ({"dependencies": {**DEPENDENCIES, "redis": {"ok": False}}}, "degraded"),
        ({"ready": False}, "unavailable"),
        ({"ready": False, "collections": None}, "unavailable"),
        (None, "unavailable"),
    ],
)
def test_one_word_says_whether_it_works(seen: dict[str, Any] | None, expected: str) -> None:
    assert summary(None if seen is None else {**READY, **STATUS, **seen})["status"] == expected


async def test_query_is_alive_only_if_it_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_S", -1.0)
    assert (await service.http.get("/ready")).json()["dependencies"]["query"]["ok"] is True
    service.query.answer = says({"error": "Internal Server Error"}, 500)
    ready = (await service.http.get("/ready")).json()
    assert ready["dependencies"]["query"]["ok"] is False
