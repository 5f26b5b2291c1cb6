"""Another service of the stack, called with the token that they share."""

from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientTimeout
from yarl import URL

from services.common import deadline
from services.common.attempts import attempt
from services.common.bulkhead import Limit
from services.common.errors import ConflictError, NotFoundError, UnavailableError
from services.common.http import Http, failing_as, timeout
from services.common.protection import Protection
from services.common.service_secret import HEADER as SERVICE_TOKEN

TIMEOUT_S = 3.0  # the design's limit for a call between services that only looks or records something
LIMIT = Limit(concurrent=64, queue=128)
SPOKEN = frozenset({"application/json", "text/event-stream"})  # a page, say, is some other program's

_REFUSALS = {404: NotFoundError, 409: ConflictError}


class ServiceUnavailableError(UnavailableError):
    """The other service does not answer, or not usefully."""


class Service:
    """Every call raises ServiceUnavailableError where the service is away."""

    def __init__(self, name: str, http: Http, url: str, token: Callable[[], str], *, protection: Protection) -> None:
        self._name = name
        self._http = http
        self._url = url.rstrip("/")
        self._token = token
        self._protection = protection

    async def ping(self) -> None:
        """Raise unless the service serves; the breaker is not asked."""
        with failing_as(ServiceUnavailableError, self._name):
            async with self._http.request("GET", self._url + "/health", timeout=timeout(TIMEOUT_S)) as response:
                response.raise_for_status()

    async def ask(
        self, method: str, path: str, body: object = None, *, usable: Container[int] = range(200, 300)
    ) -> Any:
        """The JSON of an answer with a usable status; raises NotFoundError and ConflictError as the service does."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if data else {}
        async with self.exchange(method, path, data, headers, limits=timeout(TIMEOUT_S)) as response:
            answer = orjson.loads(await response.read())
        if response.status not in usable:
            said = answer.get("detail") if isinstance(answer, dict) else None
            refusal = _REFUSALS.get(response.status, ServiceUnavailableError)
            raise refusal(said or f"{self._name} answered {response.status}")
        return answer

    @asynccontextmanager
    async def exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        limits: ClientTimeout,
    ) -> AsyncIterator[ClientResponse]:
        """The answer, whatever its status, to a path with its query as they are. The one way to the service.

        An answer above 500 counts as a failure of the service; a 503 does not: it says that a dependency fails.
        A success of a type that no service speaks is no answer: it could otherwise be passed on as one.
        """
        sent = {**(headers or {}), SERVICE_TOKEN: self._token(), **deadline.headers(limits.total)}
        async with self._protection.call(ServiceUnavailableError) as call:
            with failing_as(ServiceUnavailableError, self._name), attempt(self._name):
                async with self._http.request(
                    method,
                    URL(self._url + path, encoded=True),
                    data=body,
                    headers=sent,
                    timeout=limits,
                    allow_redirects=False,
                ) as response:
                    if response.status < 300 and response.content_type not in SPOKEN:
                        raise ValueError(f"{self._name} answers with {response.content_type}")
                    if response.status >= 500 and response.status != 503:
                        call.failed(f"{self._name} answered {response.status}")
                    else:
                        call.responding()
                    yield response
