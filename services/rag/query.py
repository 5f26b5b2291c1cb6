"""The query service, as rag-service calls it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientResponse

from services.common.http import timeout
from services.common.service import Service, ServiceUnavailableError

ANSWER_TIMEOUT_S = 330.0  # a little more than query grants a generation, so that query's own error gets through
SILENCE_S = 65.0


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

    async def open(
        self, method: str, path: str, *, query: str = "", body: bytes | None = None, headers: Mapping[str, str]
    ) -> ClientResponse:
        """The answer of query's `/internal` route, whatever its status; the caller reads and releases it."""
        path = f"/internal{path}" + (f"?{query}" if query else "")
        limits = timeout(ANSWER_TIMEOUT_S, silence_s=SILENCE_S)
        return await self._service.open(method, path, body, headers, limits=limits)
