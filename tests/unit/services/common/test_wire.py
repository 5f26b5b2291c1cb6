import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from services.common import wire as module
from services.common.wire import Answer, BrokenError, Wire
from tests.servers import Upstream, drops, eventually, hangs, says, streams, upstream

JSON = {"Content-Type": "application/json"}


async def ask(wire: Wire, url: str, body: bytes = b"{}") -> Answer:
    return await wire.exchange("POST", url, body, JSON, connect_s=5)


@asynccontextmanager
async def wired() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


async def _exchanges() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(status=201, body=await request.read())

    async with upstream(echo) as server, wired() as wire:
        for size in (0, 1, 300_000):
            assert await ask(wire, f"{server.url}/a/b?c=%20d", b'"' + b"x" * size + b'"') == (
                201,
                b'"' + b"x" * size + b'"',
            )
        assert [path for _, path, _ in server.asked] == ["/a/b?c=%20d"] * 3
        assert {headers["Content-Type"] for headers in server.headers} == {"application/json"}


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_an_answer_comes_with_its_status_and_all_of_its_body(run: Callable[..., None]) -> None:
    run(_exchanges())


async def test_an_answer_in_pieces_is_put_together() -> None:
    async with upstream(streams(b"one", b"", b"two" * 30_000)) as server, wired() as wire:
        assert await ask(wire, server.url) == (200, b"one" + b"two" * 30_000)
        assert await ask(wire, server.url) == (200, b"one" + b"two" * 30_000)


async def peers(server: Upstream, wire: Wire, exchanges: int) -> int:
    """How many connections so many exchanges in a row have taken."""
    seen = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        seen.add(request.transport.get_extra_info("peername"))
        return await says({})(request)

    server.answer = answer
    for _ in range(exchanges):
        await ask(wire, server.url)
    return len(seen)


async def test_a_connection_is_used_again_but_not_after_a_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(says({})) as server, wired() as wire:
        assert await peers(server, wire, 3) == 1
        monkeypatch.setattr(module, "IDLE_S", 0)
        assert await peers(server, wire, 2) == 2


async def test_as_many_at_once_as_are_asked_for() -> None:
    free = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await free.wait()
        return await says(await request.json())(request)

    async with upstream(answer) as server, wired() as wire:
        asked = [asyncio.create_task(ask(wire, server.url, b"%d" % number)) for number in range(20)]
        await eventually(lambda: len(server.asked) == 20)
        free.set()
        assert [answer.body for answer in await asyncio.gather(*asked)] == [b"%d" % number for number in range(20)]


async def test_one_who_leaves_ends_the_exchange_and_the_next_gets_its_own() -> None:
    async with upstream(hangs) as server, wired() as wire:
        leaving = asyncio.create_task(ask(wire, server.url))
        await eventually(lambda: server.asked)
        leaving.cancel()
        await asyncio.wait_for(server.hung_up.wait(), 5)
        server.answer = says("next")
        assert (await ask(wire, server.url)).body == b'"next"'


async def test_a_connection_that_the_server_closes_meanwhile_is_not_used_again() -> None:
    async with upstream(says({})) as server, wired() as wire:
        await ask(wire, server.url)
        (kept,) = [line for lines in wire._idle.values() for line in lines]
        assert kept._transport is not None
        kept._transport.abort()  # as if by the server
        await asyncio.sleep(0)
        assert (await ask(wire, server.url)).status == 200


async def test_one_that_says_it_will_close_is_not_kept() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Connection": "close"})

    async with upstream(answer) as server, wired() as wire:
        assert (await ask(wire, server.url)).status == 200
        assert not any(wire._idle.values())


async def test_an_answer_that_breaks_off_is_told_from_a_server_that_is_not_there() -> None:
    async with upstream(drops) as server, wired() as wire:
        with pytest.raises(BrokenError):
            await ask(wire, server.url)
        server.answer = streams(b"one", then=drops)
        with pytest.raises(BrokenError):
            await ask(wire, server.url)
        with pytest.raises(ConnectionRefusedError):
            await ask(wire, "http://127.0.0.1:1")


class Says(asyncio.Protocol):
    """Answers each piece of a request that ends one with the same bytes."""

    def __init__(self, answer: bytes, opened: list[asyncio.Transport]) -> None:
        self.answer, self.opened = answer, opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.opened.append(transport)

    def data_received(self, data: bytes) -> None:
        self.opened[-1].write(self.answer)


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """The address of a server that says whatever is given."""
    opened: list[asyncio.Transport] = []
    listener = await asyncio.get_running_loop().create_server(lambda: Says(answer, opened), "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        for transport in opened:
            transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("nonsense", [b"\x00\xff garbage\r\n\r\n", b"-ERR no\r\n"])
async def test_what_is_no_http_is_nonsense(nonsense: bytes) -> None:
    async with saying(nonsense) as url, wired() as wire:
        with pytest.raises(ValueError, match="no HTTP"):
            await ask(wire, url)


async def test_an_answer_to_nothing_ends_the_connection() -> None:
    async with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2) as url, wired() as wire:
        assert (await ask(wire, url)).status == 200
        assert (await ask(wire, url)).status == 200  # on another connection
