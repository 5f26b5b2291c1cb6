"""A server that answers nonsense to whatever it is sent: `babbler TOKEN bytes|page`; says its port when ready.

Ends when its input does. Holds at most CONNECTIONS at once, each for at most a few seconds.
"""

import asyncio
import sys
from contextlib import suppress

from chaos import helpers

CONNECTIONS = 256
WAIT_S = 5.0  # seconds for a client to ask, and then to hang up
MOST_READ = 64 * 1024  # bytes read at once

_PAGE = b"<!doctype html><title>It works!</title><p>This page is intentionally left blank.\n"
ANSWERS = {
    # Neither a status line, nor a Postgres message, nor a Redis reply begins with a zero byte.
    "bytes": bytes(range(256)),
    # What a wrongly wired proxy says: a success, and not from the one who was asked.
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE),
}


async def serve(answer: bytes) -> None:
    """Answer every connection with these bytes once it has asked something, until the input ends."""
    places = asyncio.Semaphore(CONNECTIONS)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with places:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(WAIT_S):
                    await reader.read(MOST_READ)
                    writer.write(answer)
                    writer.write_eof()
                    while await reader.read(MOST_READ):  # else the rest of a long question would turn into a reset
                        pass
            writer.close()

    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        helpers.ready(server.sockets[0].getsockname()[1])
        await over.wait()


if __name__ == "__main__":
    asyncio.run(serve(ANSWERS[sys.argv[2]]))
