"""Redis, as far as readiness asks for it."""

import asyncio
from urllib.parse import urlsplit


async def ping(url: str) -> None:
    """Raise OSError unless the Redis at `redis://host:port/db` answers PING."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 6379)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
    finally:
        writer.close()
    if answer != b"+PONG\r\n":
        raise ConnectionError(f"Redis answered {answer!r} to PING")
