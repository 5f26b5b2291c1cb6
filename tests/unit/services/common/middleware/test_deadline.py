from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.common import deadline
from services.common.middleware.deadline import Deadline
from tests.servers import client


async def left(_: Request) -> Response:
    return JSONResponse(deadline.left())


async def ask(**headers: bytes) -> httpx.Response:
    app = Starlette(routes=[Route("/", left)])
    app.add_middleware(Deadline)
    async with client(app) as http:
        return await http.get("/", headers=[(name.encode(), value) for name, value in headers.items()])


async def test_a_request_has_the_time_that_it_names() -> None:
    answer: Any = (await ask(**{"X-Request-Deadline": b"5000"})).json()
    assert 4.5 < answer <= 5


async def test_a_request_that_names_none_has_no_limit() -> None:
    assert (await ask()).json() is None


@pytest.mark.parametrize("wrong", [b"0", b"-5", b"soon", b"1.5", b"", b"9" * 30, b"\xb2"])
async def test_a_time_that_is_none_is_refused(wrong: bytes) -> None:
    answer = await ask(**{"X-Request-Deadline": wrong})
    assert (answer.status_code, answer.json()["detail"][:19]) == (400, "X-Request-Deadline:")
