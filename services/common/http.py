"""The process's one HTTP session: connections kept alive, no cookies, the request id passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Self

import aiohttp
import orjson
from aiohttp import ClientSession, ClientTimeout, TraceConfig, TraceRequestStartParams

from services.common import deadline
from services.common.deadline import DeadlineExceededError
from services.common.errors import UnavailableError
from services.common.middleware.request_id import HEADER, request_id

CONNECT_TIMEOUT_S = 0.3


def timeout(total_s: float | None, *, silence_s: float | None = None) -> ClientTimeout:
    """Limits of one exchange in seconds: in all, and (for streams) between two pieces of the answer.

    Neither outlasts the request that it is made for; raises DeadlineExceededError when that one's time is over.
    """
    total_s = deadline.left() if total_s is None else deadline.within(total_s)
    return ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s)


# The last of them: an answer that is nonsense.
_FAILURES = (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, AttributeError)


@contextmanager
def failing_as(kind: type[UnavailableError], who: str) -> Iterator[None]:
    """Raise what goes wrong with an exchange as `kind`, or as DeadlineExceededError where only our time was over."""
    try:
        yield
    except _FAILURES as error:
        if isinstance(error, TimeoutError) and deadline.over():
            raise DeadlineExceededError(f"{who} has not answered within the request's time") from error
        raise kind(f"{who} does not answer: {type(error).__name__}") from error  # no more: callers see it


async def _pass_request_id(_: ClientSession, __: SimpleNamespace, params: TraceRequestStartParams) -> None:
    if current := request_id.get():
        params.headers[HEADER] = current


class Http:
    """Opens the session for the time of an `async with`; `json=` is rendered by orjson.

    Args:
        total_s: bounds each exchange that brings no limits of its own.
    """

    def __init__(self, *, total_s: float = 5.0) -> None:
        self._session: ClientSession | None = None
        self._limits = ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)

    @property
    def session(self) -> ClientSession:
        """The open session; raises RuntimeError outside of the `async with`."""
        if self._session is None:
            raise RuntimeError("the HTTP session is not open")
        return self._session

    async def __aenter__(self) -> Self:
        trace = TraceConfig()
        trace.on_request_start.append(_pass_request_id)
        self._session = ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            json_serialize_bytes=orjson.dumps,
            trace_configs=[trace],
            timeout=self._limits,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        self._session = None
