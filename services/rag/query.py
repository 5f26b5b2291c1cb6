"""The query service, as rag-service calls it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import ClientResponse

from services.common.http import timeout
from services.common.service import TIMEOUT_S, Service, ServiceUnavailableError

# Silence and total of an answer. A generation gets a little more than query grants it: query's own error gets through.
LIMITS_S = {"/search": (None, TIMEOUT_S), "/query": (65.0, 330.0)}


class QueryService:
    """What rag-service asks of query; raises ServiceUnavailableError."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def status(self) -> dict[str, Any] | None:
        """Readiness and `/internal/status` of query together; None when it is not reachable."""
        try:
            ready = await self._service.ask("GET", "/ready", usable={200, 503})
            return {**ready, **await self._service.ask("GET", "/internal/status")}
        except ServiceUnavailableError:
            return None

    def exchange(
        self, method: str, path: str, *, query: str = "", body: bytes | None = None, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[ClientResponse]:
        """The answer of query's `/internal` route, whatever its status."""
        silence_s, total_s = LIMITS_S[path]
        target = f"/internal{path}" + (f"?{query}" if query else "")
        return self._service.exchange(method, target, body, headers, limits=timeout(total_s, silence_s=silence_s))
