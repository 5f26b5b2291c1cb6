from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

from services.common.app import MAX_BODY_BYTES
from tests.servers import Caller

JSON = {"content-type": "application/json"}


async def test_a_body_that_says_it_is_too_long_is_413_before_it_is_read(app: FastAPI) -> None:
    caller = Caller(app, "PUT", "/things/raw", body=None, headers={"content-length": str(MAX_BODY_BYTES + 1)})
    await caller.done
    assert caller.status == 413


async def test_an_answer_413_is_an_error_like_others(http: httpx.AsyncClient) -> None:
    answer = await http.put("/api/v1/things/raw", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "Content Too Large")
    assert answer.json()["detail"] == "the body may have at most 1048576 bytes"
    assert answer.headers["x-request-id"]


async def _pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65536):
        yield b" " * 65536
    yield b" " * (size % 65536)


async def test_a_body_that_proves_too_long_is_413(http: httpx.AsyncClient) -> None:
    for method, path in (("PUT", "/api/v1/things/raw"), ("POST", "/things")):
        answer = await http.request(method, path, content=_pieces(MAX_BODY_BYTES + 1), headers=JSON)
        assert (answer.status_code, answer.json()["error"]) == (413, "Content Too Large")
        assert answer.headers["x-request-id"]


async def test_a_body_of_the_limit_is_read(http: httpx.AsyncClient) -> None:
    whole = await http.put("/api/v1/things/raw", content=b"x" * MAX_BODY_BYTES)
    assert whole.json() == {"length": MAX_BODY_BYTES}
    in_pieces = await http.put("/api/v1/things/raw", content=_pieces(MAX_BODY_BYTES))
    assert in_pieces.json() == {"length": MAX_BODY_BYTES}
