import pytest
from aiohttp import web

from services.collections.ingestion import Ingestion, IngestionUnavailableError
from services.common.errors import ConflictError, NotFoundError
from services.common.http import Http
from tests.servers import Answer, drops, says, upstream


async def start(answer: Answer) -> object:
    async with upstream(answer) as served, Http() as http:
        return await Ingestion(http, served.url, "token").start("docs", ["a.md"])


async def test_a_job_is_asked_for_with_the_service_token() -> None:
    async with upstream(says({"id": "1"}, 202)) as served, Http() as http:
        ingestion = Ingestion(http, served.url + "/", "s3cret")
        assert await ingestion.start("docs", ["a.md"]) == {"id": "1"}
        assert await ingestion.start("docs", force=True) == {"id": "1"}
        assert served.asked == [
            ("POST", "/internal/jobs", {"collection": "docs", "force": False, "paths": ["a.md"]}),
            ("POST", "/internal/jobs", {"collection": "docs", "force": True}),
        ]
        assert served.headers[0]["X-Service-Token"] == "s3cret"


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (409, ConflictError), (503, IngestionUnavailableError), (403, IngestionUnavailableError)],
)
async def test_a_refusal_is_raised_with_its_reason(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="because"):
        await start(says({"error": "x", "detail": "because"}, status))


async def test_a_connection_that_breaks_is_unavailability() -> None:
    with pytest.raises(IngestionUnavailableError, match="does not answer"):
        await start(drops)


async def test_an_answer_that_is_no_json_is_unavailability() -> None:
    async def html(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", status=502)

    with pytest.raises(IngestionUnavailableError):
        await start(html)


async def test_it_is_alive_when_its_health_answers() -> None:
    async with upstream(says({"status": "ok"})) as served, Http() as http:
        await Ingestion(http, served.url, "t").ping()
        assert served.asked == [("GET", "/health", None)]
