"""The query service, as rag-service calls it."""

from collections.abc import Container, Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientResponse
from yarl import URL

from services.common.auth import HEADER as SERVICE_TOKEN
from services.common.errors import UnavailableError
from services.common.http import Http, timeout

STATUS_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 330.0  # a little more than query grants a generation, so that query's own error gets through
SILENCE_S = 65.0


class QueryUnavailableError(UnavailableError):
    """The query service does not answer."""


class QueryService:
    """Calls query with the service token."""

    def __init__(self, http: Http, url: str, token: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._token = token

    async def ping(self) -> None:
        """Raise unless the query service serves."""
        await self._json("/health")

    async def status(self) -> dict[str, Any] | None:
        """Readiness and `/internal/status` of query together; None when it is not reachable."""
        try:
            ready = await self._json("/ready", {200, 503})
            return {**ready, **await self._json("/internal/status")}
        except QueryUnavailableError:
            return None

    async def open(
        self, method: str, path: str, *, query: str = "", body: bytes | None = None, headers: Mapping[str, str]
    ) -> ClientResponse:
        """The answer of query's `/internal` route, whatever its status; the caller reads and releases it."""
        url = f"{self._url}/internal{path}" + (f"?{query}" if query else "")
        return await self._request(method, url, timeout(ANSWER_TIMEOUT_S, silence_s=SILENCE_S), body, headers)

    async def _json(self, path: str, expected: Container[int] = (200,)) -> dict[str, Any]:
        async with await self._request("GET", self._url + path, timeout(STATUS_TIMEOUT_S)) as response:
            if response.status not in expected:
                raise QueryUnavailableError(f"query answered {response.status}")
            try:
                answer: dict[str, Any] = orjson.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
                raise QueryUnavailableError(f"query: {type(error).__name__}") from error
            return answer

    async def _request(
        self,
        method: str,
        url: str,
        limits: aiohttp.ClientTimeout,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ClientResponse:
        """The one way to query."""
        sent = {**(headers or {}), SERVICE_TOKEN: self._token}
        try:
            return await self._http.session.request(
                method, URL(url, encoded=True), data=body, headers=sent, timeout=limits, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise QueryUnavailableError(f"query does not answer: {type(error).__name__}") from error
