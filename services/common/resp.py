"""A connection to Redis that all calls share: commands go out as they come, answers come back in their order.

Next to `redis.asyncio` it saves what that does for each command: taking a connection, locking, looking whether it still
lives, and one round trip after the other.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Self, cast
from urllib.parse import unquote, urlsplit

import hiredis
from hiredis import ProtocolError, ReplyError

Command = Sequence[str | bytes | int]
_INCOMPLETE = object()


class Connection(asyncio.Protocol):
    """Opened by `open`. Once `lost` it is of no use any more."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._abandoned = False
        self.lost = False

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to `redis://user:password@host:port/database`; raises OSError, ReplyError."""
        address = urlsplit(url)
        host, port = address.hostname or "127.0.0.1", address.port or 6379
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        try:
            for command in _greetings(address.username, address.password, address.path):
                await connection.ask(*command)
        except BaseException:
            connection.close()
            raise
        return connection

    def ask(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """What will be answered, as `hiredis` reads it; or ReplyError, ConnectionError, ValueError (nonsense).

        Cancel what nobody waits for any more: it is dropped when it comes.
        """
        answer = self._loop.create_future()
        if self.lost or self._transport is None:
            answer.set_exception(ConnectionResetError("the connection is lost"))
        else:
            if not self._unsent:  # what is asked in the same turn of the event loop goes out in one system call
                self._loop.call_soon(self._send)
            self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # the stub knows pairs only
            self._asked.append(answer)
        return answer

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport and not self.lost:
            self._transport.write(b"".join(unsent))

    def abandon(self) -> None:
        """Close the connection, on which an answer is overdue, as soon as nobody waits on it any more."""
        self._abandoned = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if all(answer.done() for answer in self._asked):
            self.close()

    def close(self) -> None:
        self.lost = True
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not _INCOMPLETE:
                self._answered(answer)
        except ProtocolError as error:
            self._fail(ValueError(str(error)))

    def _answered(self, answer: object) -> None:
        if not self._asked:
            raise ProtocolError("an answer to nothing")
        waiting = self._asked.popleft()
        if not waiting.done():
            if isinstance(answer, ReplyError):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)
        if self._abandoned:
            self._close_if_unused()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("Redis closed the connection"))

    def _fail(self, error: Exception) -> None:
        self.close()
        while self._asked:
            waiting = self._asked.popleft()
            if not waiting.done():
                waiting.set_exception(error)


def _greetings(user: str | None, password: str | None, path: str) -> list[Command]:
    """What a fresh connection says before anything else."""
    greetings: list[Command] = []
    if password:
        greetings.append(("AUTH", *([unquote(user)] if user else []), unquote(password)))
    if (database := path.strip("/")) not in {"", "0"}:
        greetings.append(("SELECT", database))
    return greetings
