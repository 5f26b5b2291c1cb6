import re

import httpx
import pytest
from starlette.responses import Response

from services.common.middleware.request_id import HEADER, RequestId, request_id
from tests.servers import Caller


@pytest.mark.parametrize("given", ["3f0c2a", "A-z.9_:", "x" * 64])
async def test_the_callers_id_is_kept(http: httpx.AsyncClient, given: str) -> None:
    assert (await http.get("/health", headers={HEADER: given})).headers[HEADER] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a/b", '"', "<script>", "a\tb", "a=b", "a,b"])
async def test_a_malformed_id_is_replaced(http: httpx.AsyncClient, given: str) -> None:
    answered = (await http.get("/health", headers={HEADER: given})).headers[HEADER]
    assert re.fullmatch("[0-9a-f]{32}", answered)


async def test_every_request_without_one_gets_its_own(http: httpx.AsyncClient) -> None:
    ids = [(await http.get("/health")).headers[HEADER] for _ in range(2)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "path", ["/nowhere", "/internal/secret", "/api/v1/things/a?limit=x", "/api/v1/things/a/errors/503", "/things/a"]
)
async def test_every_answer_carries_it_once(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, headers={HEADER: "one"})
    assert answer.headers.get_list(HEADER) == ["one"]


async def test_an_id_that_the_answer_brings_along_gives_way() -> None:
    caller = Caller(RequestId(Response(headers={HEADER: "inner"})), "GET", "/", headers={HEADER: "one"})
    await caller.done
    assert [value for name, value in caller.sent[0]["headers"] if name == b"x-request-id"] == [b"one"]


async def test_it_ends_with_its_request(http: httpx.AsyncClient) -> None:
    await http.get("/health", headers={HEADER: "one"})
    assert request_id.get() is None


async def test_the_answer_names_the_release_that_gives_it() -> None:
    caller = Caller(RequestId(Response(), release="1.2.0-0a"), "GET", "/")
    await caller.done
    assert (b"x-release", b"1.2.0-0a") in caller.sent[0]["headers"]


async def test_where_nobody_says_which_release_it_is_no_answer_does() -> None:
    caller = Caller(RequestId(Response()), "GET", "/")
    await caller.done
    assert b"x-release" not in dict(caller.sent[0]["headers"])
