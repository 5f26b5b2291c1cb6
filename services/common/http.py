"""The process's HTTP connections to others: kept alive, no cookies, the request id passed on."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.errors import UnavailableError
from services.common.middleware.request_id import HEADER, request_id
from services.common.wire import Answer, Wire

CONNECT_TIMEOUT_S = 0.3


def timeout(total_s: float | None, *, silence_s: float | None = None) -> ClientTimeout:
    """Limits of one exchange in seconds: in all, and (for streams) between two pieces of the answer.

    Neither outlasts the request that it is made for; raises DeadlineExceededError when that one's time is over.
    """
    total_s = deadline.left() if total_s is None else deadline.within(total_s)
    return ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s)


# The last of them: an answer that is nonsense.
_FAILURES = (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError, AttributeError)


@contextmanager
def failing_as(kind: type[UnavailableError], who: str) -> Iterator[None]:
    """Raise what goes wrong with an exchange as `kind`, or as DeadlineExceededError where only our time was over."""
    try:
        yield
    except _FAILURES as error:
        if isinstance(error, TimeoutError) and deadline.over():
            raise DeadlineExceededError(f"{who} has not answered within the request's time") from error
        raise kind(f"{who} does not answer: {type(error).__name__}") from error  # no more: callers see it


class Http:
    """Open for the time of an `async with`; outside of it exchanges raise RuntimeError. JSON is rendered by orjson.

    Args:
        total_s: bounds each `request` that brings no limits of its own.
    """

    def __init__(self, *, total_s: float = 5.0) -> None:
        self._wire = Wire()
        self._session: ClientSession | None = None
        self._limits = ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)

    def request(
        self, method: str, url: str | URL, *, headers: Mapping[str, str] | None = None, **given: Any
    ) -> AbstractAsyncContextManager[ClientResponse]:
        """An exchange, as aiohttp's sessions make them."""
        return self._opened().request(method, url, headers={**(headers or {}), **_request_id()}, **given)

    async def exchange(self, method: str, url: str, body: object = None, *, limit_s: float) -> Answer:
        """The whole answer, whatever its status, to `body` as JSON (None: without one); the fast way to it.

        Raises DeadlineExceededError where the request's time is over, TimeoutError and other OSErrors, and ValueError
        where the answer is no HTTP.
        """
        self._opened()
        content = b"" if body is None else orjson.dumps(body)
        headers = {**_request_id(), **({"Content-Type": "application/json"} if content else {})}
        async with asyncio.timeout(deadline.within(limit_s)):
            return await self._wire.exchange(method, url, content, headers, connect_s=CONNECT_TIMEOUT_S)

    def _opened(self) -> ClientSession:
        if self._session is None:
            raise RuntimeError("the HTTP session is not open")
        return self._session

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            json_serialize_bytes=orjson.dumps,
            timeout=self._limits,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wire.close()
        if self._session is not None:
            await self._session.close()
            self._session = None


def _request_id() -> dict[str, str]:
    current = request_id.get()
    return {HEADER: current} if current else {}
