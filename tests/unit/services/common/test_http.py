import aiohttp
import pytest

from services.common.http import Http, timeout
from services.common.middleware.request_id import request_id
from tests.servers import hangs, says, streams, upstream


async def test_a_call_carries_the_request_id_of_the_moment() -> None:
    async with upstream(says({})) as server, Http() as http:
        token = request_id.set("one")
        async with http.request("GET", server.url):
            pass
        request_id.reset(token)
        async with http.request("GET", server.url):
            pass
    assert [headers.get("X-Request-ID") for headers in server.headers] == ["one", None]


async def test_cookies_are_not_kept() -> None:
    async def sets_a_cookie(_: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(headers={"Set-Cookie": "user=1"})

    async with upstream(sets_a_cookie) as server, Http() as http:
        for _ in range(2):
            async with http.request("GET", server.url):
                pass
    assert "Cookie" not in server.headers[1]


async def test_a_call_ends_after_its_time() -> None:
    async with upstream(hangs) as server, Http() as http:
        with pytest.raises(TimeoutError):
            async with http.request("GET", server.url, timeout=timeout(0.03)):
                pass


async def test_a_stream_ends_when_it_is_silent_for_too_long() -> None:
    limits = timeout(None, silence_s=0.03)
    async with (
        upstream(streams(b"one", then=hangs)) as server,
        Http() as http,
        http.request("GET", server.url, timeout=limits) as response,
    ):
        assert await response.content.readany() == b"one"
        with pytest.raises(TimeoutError):
            await response.content.readany()


async def test_there_is_no_session_outside_of_its_time() -> None:
    http = Http()
    async with upstream(says({})) as server:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="not open"):
                http.request("GET", server.url)
            async with http, http.request("GET", server.url) as response:
                assert response.status == 200
