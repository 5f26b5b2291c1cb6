"""The process's one HTTP session: connections kept alive, no cookies, the request id passed on."""

from types import SimpleNamespace
from typing import Self

import aiohttp
import orjson
from aiohttp import ClientSession, ClientTimeout, TraceConfig, TraceRequestStartParams

from services.common.middleware.request_id import HEADER, request_id

CONNECT_TIMEOUT_S = 0.3


def timeout(total_s: float | None, *, silence_s: float | None = None) -> ClientTimeout:
    """Limits of one exchange in seconds: in all, and (for streams) between two pieces of the answer."""
    return ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s)


async def _pass_request_id(_: ClientSession, __: SimpleNamespace, params: TraceRequestStartParams) -> None:
    if current := request_id.get():
        params.headers[HEADER] = current


class Http:
    """Opens the session for the time of an `async with`; `json=` is rendered by orjson."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

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
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        self._session = None
