"""The shorter way gives what FastAPI's gives, whatever is asked."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.common.app import MAX_BODY_BYTES, create_app
from services.common.breakers import Breakers
from services.common.direct import DirectRoute
from services.common.errors import ConflictError
from services.common.responses import Json
from services.common.settings import ServiceSettings
from tests.servers import Caller, client

JSON = {"content-type": "application/json"}


class Wanted(BaseModel):
    q: Annotated[str, Field(min_length=1, max_length=9)]
    limit: int = Field(10, ge=1, le=100)
    share: float | None = None
    exact: bool = False


def app(route_class: type[APIRoute]) -> FastAPI:
    router = APIRouter(prefix="/api/v1/things", route_class=route_class)

    @router.get("/found")
    async def found(request: Request, asked: Annotated[Wanted, Query()]) -> Response:
        if asked.q == "conflict":
            raise ConflictError("no")
        return Json({**asked.model_dump(), "agent": request.headers["user-agent"]})

    @router.post("/made")
    async def made(request: Request, asked: Wanted) -> Response:
        return Json(asked.model_dump(), 201)

    settings = ServiceSettings.model_validate({"port": 1, "inter_service_secret": "s"})
    legacy = {"/found": "/api/v1/things/found"}
    return create_app("test", settings, breakers=Breakers("test", settings), routers=[router], legacy=legacy)


@pytest.fixture(scope="module")
def apps() -> tuple[FastAPI, FastAPI]:
    return app(DirectRoute), app(APIRoute)


@pytest.fixture
async def both(apps: tuple[FastAPI, FastAPI]) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    async with client(apps[0]) as direct, client(apps[1]) as fastapi:
        yield direct, fastapi


QUERIES = [
    *("q=x", "q=x&limit=5", "q=x&limit=+5", "q=x&limit=5.0", "q=x&limit=5&limit=6", "q=%C3%A9&share=1e-3", "q=+"),
    *("", "q", "q=", "q=x&limit=", "q=x&limit=0", "q=x&share=nan", "q=x&exact=yes", "q=x&exact=", "q=1234567890"),
    *("q=x&other=1", "q=conflict", "q=%FF", "q=a%00", "q=x;limit=3", "%71=x", "q=é", "q=a&q=b", "q=x&LIMIT=3"),
]
BODIES: list[tuple[str | bytes, dict[str, str]]] = [
    ('{"q": "x"}', JSON),
    ('{"q": "x", "limit": 5.0, "exact": "yes", "share": 1}', JSON),
    ('{"q": "x", "limit": "5", "limit": "6", "other": null}', JSON),
    ('{"q": "x", "limit": 5.5}', JSON),
    ('{"q": "x", "limit": true}', JSON),
    ('{"q": "x", "share": NaN}', JSON),
    ('{"q": "x"} ', {"content-type": "application/json; charset=utf-8"}),
    ('{"q": "x"}', {"content-type": "text/plain"}),
    ('{"q": "x"}', {}),
    (b'\xef\xbb\xbf{"q": "x"}', JSON),
    (b'{"q": "\xff"}', JSON),
    ('{"q": "\\ud800"}', JSON),
    ('{"q": ', JSON),
    ('["q"]', JSON),
    ("null", JSON),
    ("", JSON),
    ("x" * (MAX_BODY_BYTES + 1), JSON),
]


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, [h for h in answer.headers.multi_items() if h[0] != "x-request-id"]


async def test_a_query_string_is_read_as_fastapi_reads_it(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], subtests: pytest.Subtests
) -> None:
    for query in QUERIES:
        with subtests.test(query=query):
            direct, fastapi = [await http.get(f"/api/v1/things/found?{query}") for http in both]
            assert told(direct) == told(fastapi)


async def test_a_body_is_read_as_fastapi_reads_it(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], subtests: pytest.Subtests
) -> None:
    for body, headers in BODIES:
        with subtests.test(body=body[:60], headers=headers):
            direct, fastapi = [await h.post("/api/v1/things/made", content=body, headers=headers) for h in both]
            if (direct.status_code, fastapi.status_code) == (413, 413):
                assert direct.json() == fastapi.json()
            else:
                assert told(direct) == told(fastapi)


async def test_other_methods_and_older_paths_are_answered_alike(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    asked = (("DELETE", "/api/v1/things/found"), ("HEAD", "/api/v1/things/found?q=x"), ("GET", "/found?q=x"))
    for method, path in (*asked, ("GET", "/api/v1/things/found/?q=x")):
        direct, fastapi = [await http.request(method, path) for http in both]
        assert told(direct) == told(fastapi)


async def test_the_schema_and_the_metrics_are_the_same(both: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
    direct, fastapi = [(await http.get("/openapi.json")).json() for http in both]
    assert direct == fastapi
    await both[0].get("/api/v1/things/found?q=x")
    seen: Any = (await both[0].get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/api/v1/things/found",status="200"}' in seen


async def test_a_client_that_leaves_while_it_sends_gets_nothing(apps: tuple[FastAPI, FastAPI]) -> None:
    caller = Caller(apps[0], "POST", "/api/v1/things/made", body=None)
    caller.hang_up()
    await caller.done
    assert caller.sent == []
