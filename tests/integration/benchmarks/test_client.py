"""The client that measures, against a little server."""

import asyncio
from itertools import islice

import pytest
from aiohttp import web

from benchmarks.client import Caller, LoadError, again_and_again, closed_loop, request
from tests.servers import drops, says, streams, upstream


async def test_each_client_asks_again_once_it_is_answered() -> None:
    under_way, most = 0, 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return web.json_response({})

    async with upstream(answer) as server:
        address = server.url.removeprefix("http://")
        asks = again_and_again([request(address, "/a?q=1"), request(address, "/b")])
        load = await asyncio.to_thread(closed_loop, address, asks, clients=3, seconds=0.2)
    assert most == 3
    assert load.statuses == {200: len(server.asked)}
    assert {path for _, path, _ in server.asked} == {"/a?q=1", "/b"}
    assert load.rate == pytest.approx(len(server.asked) / load.seconds)
    assert 0.001 <= load.quantile(0.5) <= load.quantile(0.99) < load.seconds
    assert load.cpu_s > 0


async def test_a_load_ends_with_its_requests() -> None:
    async with upstream(says({})) as server:
        address = server.url.removeprefix("http://")
        asks = islice(again_and_again([request(address, "/", method="POST", body={"a": 1})]), 7)
        load = await asyncio.to_thread(closed_loop, address, asks, clients=2, seconds=30)
    assert len(load.latencies) == 7
    assert server.asked == [("POST", "/", {"a": 1})] * 7


async def test_answers_in_pieces_are_read_to_their_end() -> None:
    async with upstream(streams(b"one", b"two")) as server:
        address = server.url.removeprefix("http://")
        asks = islice(again_and_again([request(address, "/")]), 5)
        assert len((await asyncio.to_thread(closed_loop, address, asks, clients=1, seconds=5)).latencies) == 5

        def ask() -> bytes:
            with Caller(address) as caller:
                assert caller.ask(request(address, "/")) > 0
                return caller.body

        assert await asyncio.to_thread(ask) == b"onetwo"


@pytest.mark.parametrize(("answer", "said"), [(says({}, status=503), "503"), (drops, "no whole answer")])
async def test_a_load_that_is_not_answered_is_no_measurement(answer: object, said: str) -> None:
    async with upstream(answer) as server:  # type: ignore[arg-type]  # pytest's parameters have no types
        address = server.url.removeprefix("http://")
        with pytest.raises(LoadError, match=said):
            await asyncio.to_thread(closed_loop, address, iter([request(address, "/")]), clients=1, seconds=1)


@pytest.mark.parametrize(("answer", "said"), [(says({}, status=503), "503"), (drops, "hung up")])
async def test_neither_is_a_single_answer(answer: object, said: str) -> None:
    async with upstream(answer) as server:  # type: ignore[arg-type]  # pytest's parameters have no types
        address = server.url.removeprefix("http://")

        def ask() -> None:
            with Caller(address) as caller:
                caller.ask(request(address, "/"))

        with pytest.raises(LoadError, match=said):
            await asyncio.to_thread(ask)
