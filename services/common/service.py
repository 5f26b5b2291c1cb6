"""Another service of the stack, called with the token that they share."""

from collections.abc import Container, Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientResponse, ClientTimeout
from yarl import URL

from services.common.auth import HEADER as SERVICE_TOKEN
from services.common.errors import ConflictError, NotFoundError, UnavailableError
from services.common.http import Http, timeout

TIMEOUT_S = 3.0  # the design's limit for a call between services that only looks or records something

_REFUSALS = {404: NotFoundError, 409: ConflictError}


class ServiceUnavailableError(UnavailableError):
    """The other service does not answer, or not usefully."""


class Service:
    """Every call raises ServiceUnavailableError where the service is away."""

    def __init__(self, name: str, http: Http, url: str, token: str) -> None:
        self._name = name
        self._http = http
        self._url = url.rstrip("/")
        self._token = token

    async def ping(self) -> None:
        """Raise unless the service serves."""
        await self.ask("GET", "/health")

    async def ask(
        self, method: str, path: str, body: object = None, *, usable: Container[int] = range(200, 300)
    ) -> Any:
        """The JSON of an answer with a usable status; raises NotFoundError and ConflictError as the service does."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if data else {}
        async with await self.open(method, path, data, headers, limits=timeout(TIMEOUT_S)) as response:
            try:
                answer = orjson.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
                raise ServiceUnavailableError(f"{self._name}: {type(error).__name__}") from error
        if response.status not in usable:
            said = answer.get("detail") if isinstance(answer, dict) else None
            refusal = _REFUSALS.get(response.status, ServiceUnavailableError)
            raise refusal(said or f"{self._name} answered {response.status}")
        return answer

    async def open(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        limits: ClientTimeout,
    ) -> ClientResponse:
        """The answer, whatever its status, to a path with its query as they are; the caller reads and releases it."""
        url = URL(self._url + path, encoded=True)
        sent = {**(headers or {}), SERVICE_TOKEN: self._token}
        try:
            return await self._http.session.request(
                method, url, data=body, headers=sent, timeout=limits, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(f"{self._name} does not answer: {type(error).__name__}") from error
