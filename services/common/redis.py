"""Redis: a cache that may be away, slow, full or mad at the price of a few milliseconds."""

import asyncio
import logging
from time import perf_counter
from typing import Self
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError

from services.common.attempts import attempt
from services.common.breaker import Breaker, Consecutive
from services.common.breakers import STATE, STATES
from services.common.bulkhead import Bulkhead, Limit
from services.common.errors import UnavailableError
from services.common.protection import Protection

TIMEOUT_S = 0.015  # of a call, connecting included; on the same host it takes less than one millisecond
LAST_LOOK_S = (0.003, 0.05)  # the least and the most time for an answer that a late event loop has not seen yet
RECOVERY_S = 0.25  # on a busy machine Redis may be late for once: that should not cost a second's hits
LIMIT = Limit(concurrent=16, queue=256)  # who waits does so for calls that end soon, or fail and let all go at once

log = logging.getLogger(__name__)


class RedisUnavailableError(UnavailableError):
    """Redis refused, hung, broke or answered nonsense."""


class Redis:
    """Keeps bytes under keys. A call ends within 18 ms; after one that failed, only four a second are made.

    Raises RedisUnavailableError.
    """

    def __init__(self, url: str, *, force_closed: bool = False) -> None:
        pool = ConnectionPool.from_url(
            url,
            retry=Retry(NoBackoff(), 0),  # the library's own: ten retries, with pauses
            socket_timeout=None,  # one limit for the whole call stands in `_ask`
            socket_connect_timeout=None,
            protocol=2,  # which needs no handshake
            driver_info=None,
            max_connections=2 * LIMIT.concurrent,  # connections that are being cut count, too
        )
        self._client = Client(connection_pool=pool)
        breaker = Breaker("redis", Consecutive(1), recovery_s=RECOVERY_S, force_closed=force_closed)
        STATE.labels("redis").set_function(lambda: STATES[breaker.state])
        self._protection = Protection(breaker, Bulkhead("redis", LIMIT))
        self._asking: set[asyncio.Future[object]] = set()
        self._ok = True
        self._full = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._asking, return_exceptions=True)  # the last ones, which are being cancelled
        await self._client.aclose(close_connection_pool=True)

    async def get(self, key: str) -> bytes | None:
        """What is kept under the key."""
        found = await self._call("GET", key)
        assert found is None or isinstance(found, bytes)
        return found

    async def set(self, key: str, value: bytes, *, ttl_s: int) -> bool:
        """Keep the value for so many seconds; False where Redis has no room for it."""
        kept = await self._call("SET", key, value, "EX", ttl_s)
        if bool(kept) is self._full:
            self._full = not kept
            log.log(logging.INFO if kept else logging.WARNING, "Redis %s", "has room again" if kept else "is full")
        return bool(kept)

    async def _call(self, *command: str | bytes | int) -> object:
        async with self._protection.call(RedisUnavailableError):
            try:
                answer = await self._answer(*command)
            except RedisUnavailableError as error:
                self._note(ok=False, why=error.detail)
                raise
        self._note(ok=True)
        return answer

    async def _answer(self, *command: str | bytes | int) -> object:
        try:
            with attempt("redis"):
                return await self._ask(*command)
        except OutOfMemoryError:
            return False  # it works, and says so
        except TimeoutError as error:
            raise RedisUnavailableError("Redis does not answer in time") from error
        except Exception as error:
            raise RedisUnavailableError(f"Redis: {type(error).__name__} {error}") from error

    async def _ask(self, *command: str | bytes | int) -> object:
        started = perf_counter()
        asking = asyncio.ensure_future(self._client.execute_command(*command))  # type: ignore[no-untyped-call]  # the library has no types for it
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        try:
            if not (await asyncio.wait({asking}, timeout=TIMEOUT_S))[0]:
                least, most = LAST_LOOK_S
                late_s = perf_counter() - started - TIMEOUT_S
                await asyncio.wait({asking}, timeout=min(max(least, late_s), most))
            if not asking.done():
                raise TimeoutError
            return _sane(command[0], asking)
        finally:
            asking.cancel()

    def _note(self, *, ok: bool, why: str = "") -> None:
        if ok != self._ok:
            self._ok = ok
            log.log(logging.INFO if ok else logging.WARNING, "Redis %s", "is back" if ok else f"lost: {why}")


def _sane(command: str | bytes | int, asked: asyncio.Future[object]) -> object:
    try:
        answer = asked.result()
    except Exception as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError):
            raise cause from None  # what the library wraps
        raise
    if command == "GET" and not (answer is None or isinstance(answer, bytes)):
        raise ValueError("answered GET with no bytes")
    if command == "SET" and answer is not True:
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
