import asyncio

import pytest
from aiohttp import web

from services.common.errors import ConflictError, NotFoundError
from services.common.http import Http, timeout
from services.common.service import Service, ServiceUnavailableError
from tests.protections import protection
from tests.servers import Answer, drops, says, upstream


async def ask(answer: Answer) -> object:
    async with upstream(answer) as served, Http() as http:
        service = Service("ingestion", http, served.url, lambda: "token", protection=protection())
        return await service.ask("POST", "/internal/jobs", {"a": 1})


async def test_it_is_asked_with_the_service_token() -> None:
    async with upstream(says({"id": "1"}, 202)) as served, Http() as http:
        service = Service("ingestion", http, served.url + "/", lambda: "s3cret", protection=protection())
        assert await service.ask("POST", "/internal/jobs", {"collection": "docs"}) == {"id": "1"}
        assert served.asked == [("POST", "/internal/jobs", {"collection": "docs"})]
        assert [headers["X-Service-Token"] for headers in served.headers] == ["s3cret"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (409, ConflictError), (503, ServiceUnavailableError), (403, ServiceUnavailableError)],
)
async def test_a_refusal_is_raised_with_its_reason(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="because"):
        await ask(says({"error": "x", "detail": "because"}, status))


async def test_a_refusal_without_a_reason_tells_its_status() -> None:
    with pytest.raises(ServiceUnavailableError, match="ingestion answered 500"):
        await ask(says(["no object"], 500))


async def test_a_connection_that_breaks_is_unavailability() -> None:
    with pytest.raises(ServiceUnavailableError, match="ingestion does not answer"):
        await ask(drops)


async def test_an_answer_that_is_no_json_is_unavailability() -> None:
    async def html(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", status=502)

    with pytest.raises(ServiceUnavailableError):
        await ask(html)


async def test_a_page_of_another_program_is_unavailability_and_a_failure() -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<!doctype html>It works!", content_type="text/html")

    guarded = protection(5)
    async with upstream(page) as served, Http() as http:
        service = Service("query", http, served.url, lambda: "token", protection=guarded)
        for _ in range(5):
            with pytest.raises(ServiceUnavailableError, match="query does not answer"):
                async with service.exchange("GET", "/internal/search", limits=timeout(1)):
                    pass
    assert guarded.breaker.state == "open"


async def test_each_request_carries_the_token_of_its_moment() -> None:
    tokens = iter(("old", "new"))
    async with upstream(says({})) as served, Http() as http:
        service = Service("query", http, served.url, lambda: next(tokens), protection=protection())
        await service.ask("GET", "/ready")
        await service.ask("GET", "/ready")
        assert [headers["X-Service-Token"] for headers in served.headers] == ["old", "new"]


async def test_an_answer_can_be_had_as_it_comes() -> None:
    async with upstream(says({"error": "x"}, 400)) as served, Http() as http:
        service = Service("query", http, served.url, lambda: "t", protection=protection())
        async with service.exchange("GET", "/internal/search?q=a%2Fb", limits=timeout(2)) as response:
            assert response.status == 400
        assert served.asked == [("GET", "/internal/search?q=a%2Fb", None)]


async def test_an_answer_above_500_is_passed_on_and_counts_as_a_failure_and_a_503_does_not() -> None:
    guard = protection(2)
    async with upstream(says({"error": "x"}, 500)) as served, Http() as http:
        service = Service("query", http, served.url, lambda: "t", protection=guard)

        async def status() -> int:
            async with service.exchange("GET", "/internal/search", limits=timeout(2)) as response:
                return response.status

        assert [await status(), guard.breaker.failure_count] == [500, 1]
        served.answer = says({"error": "x"}, 503)
        assert [await status(), guard.breaker.failure_count] == [503, 0]


async def test_a_probe_that_is_answered_with_a_failure_does_not_close_the_breaker() -> None:
    guard = protection(1, recovery_s=0.01)
    async with upstream(says({"error": "x"}, 500)) as served, Http() as http:
        service = Service("query", http, served.url, lambda: "t", protection=guard)
        for _ in range(2):
            async with service.exchange("GET", "/internal/search", limits=timeout(2)):
                pass
            assert guard.breaker.state == "open"
            await asyncio.sleep(0.02)
