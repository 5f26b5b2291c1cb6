"""Exchanges over HTTP/1.1 whose answer is wanted whole: the calls that every search waits for.

An `aiohttp` exchange is some 2000 lines of Python; where the processor's caches are cold, as they are behind a model
that computes, that takes 0.4 ms longer than this. What streams, or goes to whatever server, is `aiohttp`'s.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

IDLE_S = 15.0  # a connection that was idle for longer is not used again: the server may be about to close it


class BrokenError(ConnectionError):
    """A connection that stood has ended before the answer did."""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes


class _Line(asyncio.Protocol):
    """A connection, for one exchange at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.usable = True
        self.idle_since = 0.0

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        self._waiting = self._loop.create_future()
        if self._transport is None or not self.usable:
            self._waiting.set_exception(BrokenError("the connection has ended"))
        else:
            self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        self.usable = False
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(BrokenError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ValueError(f"no HTTP: {type(error).__name__}"))

    def on_message_begin(self) -> None:
        if self._waiting is None or self._waiting.done():
            self._fail(ValueError("an answer to nothing"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(answer)

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error)


class Wire:
    """The connections; those that wait for their next exchange are kept by their server, the last one used first."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Line]] = {}

    async def exchange(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, connect_s: float
    ) -> Answer:
        """The answer, whatever its status; cancel it to end it.

        Raises OSError where there is no connection (TimeoutError after `connect_s`), BrokenError, and ValueError where
        the answer is no HTTP.
        """
        parts = urlsplit(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n{told}\r\n"
        origin = f"{parts.scheme}://{parts.netloc}"
        line = self._kept(origin)
        if line is None:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            async with asyncio.timeout(connect_s):
                _, line = await asyncio.get_running_loop().create_connection(
                    _Line, parts.hostname or "", port, ssl=parts.scheme == "https" or None
                )
        try:
            answer = await line.ask(head.encode("latin-1") + body)
        except BaseException:
            line.close()  # its answer would be taken for the next one's
            raise
        if line.usable:
            line.idle_since = monotonic()
            self._idle.setdefault(origin, []).append(line)
        else:
            line.close()
        return answer

    def _kept(self, origin: str) -> _Line | None:
        lines = self._idle.get(origin)
        while lines:
            line = lines.pop()
            if line.usable and monotonic() - line.idle_since < IDLE_S:
                return line
            line.close()
        return None

    def close(self) -> None:
        """Close what is kept."""
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()
