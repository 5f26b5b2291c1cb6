"""Redis: a cache that may be away, slow, full or mad at the price of a few milliseconds."""

import asyncio
import logging
from asyncio import Future
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit

from hiredis import ReplyError

from services.common.attempts import attempt
from services.common.breaker import Breaker, Consecutive
from services.common.breakers import STATE, STATES
from services.common.bulkhead import Bulkhead, Limit
from services.common.errors import UnavailableError
from services.common.protection import Protection
from services.common.resp import Connection
from services.common.tasks import end

TIMEOUT_S = 0.015  # of a call, connecting included; on the same host it takes less than one millisecond
LAST_LOOK_S = (0.003, 0.05)  # the least and the most time for an answer that a late event loop has not seen yet
RECOVERY_S = 0.25  # on a busy machine Redis may be late for once: that should not cost a second's hits
LIMIT = Limit(concurrent=256, queue=256)  # they share a connection; who waits does so for calls that end soon

log = logging.getLogger(__name__)


class RedisUnavailableError(UnavailableError):
    """Redis refused, hung, broke or answered nonsense."""


class Redis:
    """Keeps bytes under keys. A call ends within 18 ms; after one that failed, only four a second are made.

    Raises RedisUnavailableError.
    """

    def __init__(self, url: str, *, force_closed: bool = False) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        breaker = Breaker("redis", Consecutive(1), recovery_s=RECOVERY_S, force_closed=force_closed)
        STATE.labels("redis").set_function(lambda: STATES[breaker.state])
        self._protection = Protection(breaker, Bulkhead("redis", LIMIT))
        self._ok = True
        self._full = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connecting:
            await end(self._connecting)
        if self._connection:
            self._connection.close()

    async def get(self, key: str) -> bytes | None:
        """What is kept under the key."""
        found: bytes | None = await self._call("GET", key)
        return found

    async def set(self, key: str, value: bytes, *, ttl_s: int) -> bool:
        """Keep the value for so many seconds; False where Redis has no room for it."""
        kept = await self._call("SET", key, value, "EX", ttl_s)
        if bool(kept) is self._full:
            self._full = not kept
            log.log(logging.INFO if kept else logging.WARNING, "Redis %s", "has room again" if kept else "is full")
        return bool(kept)

    async def _call(self, *command: str | bytes | int) -> Any:
        async with self._protection.call(RedisUnavailableError):
            try:
                answer = await self._answer(*command)
            except RedisUnavailableError as error:
                self._note(ok=False, why=error.detail)
                raise
        self._note(ok=True)
        return answer

    async def _answer(self, *command: str | bytes | int) -> Any:
        try:
            with attempt("redis"):
                return await self._ask(*command)
        except TimeoutError as error:
            raise RedisUnavailableError("Redis does not answer in time") from error
        except Exception as error:
            raise RedisUnavailableError(f"Redis: {type(error).__name__} {error}") from error

    async def _ask(self, *command: str | bytes | int) -> Any:
        started = perf_counter()
        connection = self._connection
        if connection is None or connection.lost:
            connection = self._connection = await self._connected()
        asked = connection.ask(*command)
        limit = _Limit(asked, started)
        try:
            return _sane(command[0], await asked)
        except ReplyError as error:
            if str(error).startswith("OOM"):
                return False  # it works, and says so
            raise
        except Exception:
            self._connection = None
            connection.abandon()
            raise
        finally:
            limit.end()

    async def _connected(self) -> Connection:
        """A fresh connection, the same for all who ask for one at this time."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(Connection.open(self._url))
        opening = self._connecting
        await asyncio.wait({opening}, timeout=TIMEOUT_S)
        if not opening.done():
            opening.cancel()
        if opening.cancelled() or not opening.done():
            raise TimeoutError
        return opening.result()

    def _note(self, *, ok: bool, why: str = "") -> None:
        if ok != self._ok:
            self._ok = ok
            log.log(logging.INFO if ok else logging.WARNING, "Redis %s", "is back" if ok else f"lost: {why}")


class _Limit:
    """Fails what was asked by TimeoutError when its time is over; `end` it when the answer is there."""

    def __init__(self, asked: Future[Any], started: float) -> None:
        self._asked = asked
        self._started = started
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(started + TIMEOUT_S - perf_counter(), self._look_again)

    def _look_again(self) -> None:
        least, most = LAST_LOOK_S
        late_s = perf_counter() - self._started - TIMEOUT_S
        self._timer = self._loop.call_later(min(max(least, late_s), most), self._over)

    def _over(self) -> None:
        if not self._asked.done():
            self._asked.set_exception(TimeoutError())

    def end(self) -> None:
        self._timer.cancel()


def _sane(command: str | bytes | int, answer: Any) -> Any:
    """The answer as such a command has it; raises ValueError for another one."""
    if command == "GET" and not (answer is None or isinstance(answer, bytes)):
        raise ValueError("answered GET with no bytes")
    if command == "SET" and answer != b"OK":
        raise ValueError("answered SET with something else than OK")
    return answer


async def ping(url: str) -> None:
    """Raise OSError unless the Redis at `redis://host:port/db` answers PING, on a connection of its own."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 6379)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
    finally:
        writer.close()
    if answer != b"+PONG\r\n":
        raise ConnectionError(f"Redis answered {answer!r} to PING")
