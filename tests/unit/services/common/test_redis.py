import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.common import redis


@asynccontextmanager
async def answering(line: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(line)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", asked


async def test_a_redis_that_answers_is_well() -> None:
    async with answering(b"+PONG\r\n") as (url, asked):
        await redis.ping(url)
    assert asked == [b"PING\r\n"]


@pytest.mark.parametrize("line", [b"-LOADING\r\n", b"-NOAUTH Authentication required.\r\n", b""])
async def test_another_answer_is_an_error_that_says_it(line: bytes) -> None:
    async with answering(line) as (url, _):
        with pytest.raises(ConnectionError, match=re.escape(f"Redis answered {line!r}")):
            await redis.ping(url)


async def test_a_redis_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await redis.ping("redis://127.0.0.1:1/0")
