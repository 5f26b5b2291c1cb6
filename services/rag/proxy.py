"""`/api/v1/rag/*`: passed on to the query service and back as it comes, and the state of the whole."""

from typing import Any

from aiohttp import ClientResponse
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.common.app import VERSION
from services.common.presence import ClientPresent
from services.common.responses import Json
from services.rag.query import QueryService

TO_QUERY = ("accept", "content-type", "x-consumer-username")
FROM_QUERY = ("content-type", "cache-control", "retry-after", "x-from-cache", "x-service-degraded")
ROUTES = (("GET", "/search"), ("POST", "/query"))


class Relay(Response):
    """Sends an answer on, piece by piece; a client that hangs up closes the connection behind it."""

    def __init__(self, upstream: ClientResponse) -> None:
        passed = {name: upstream.headers[name] for name in FROM_QUERY if name in upstream.headers}
        super().__init__(status_code=upstream.status, headers=passed)
        del self.headers["content-length"]
        self.upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with ClientPresent(receive), self.upstream:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self.upstream.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def proxy_router(query: QueryService) -> APIRouter:
    """`/api/v1/rag/search` and `/query`, answered by query; `/status`, answered here."""
    router = APIRouter(prefix="/api/v1/rag", tags=["rag"])

    async def relay(request: Request) -> Response:
        """Answered by the query service; see its description."""
        headers = {name: request.headers[name] for name in TO_QUERY if name in request.headers}
        path = request.url.path.removeprefix("/api/v1/rag")
        body = await request.body()
        async with ClientPresent(request.receive):
            upstream = await query.open(
                request.method, path, query=request.url.query, body=body or None, headers=headers
            )
        return Relay(upstream)

    for method, path in ROUTES:
        router.add_api_route(path, relay, methods=[method])

    @router.get("/status")
    async def status() -> Response:
        """Whether searching and asking work at the moment, as far as it can be seen from here."""
        return Json(summary(await query.status()))

    return router


def summary(seen: dict[str, Any] | None) -> dict[str, Any]:
    """`ok`: everything answers; `degraded`: it works without something; `unavailable`: it does not work."""
    if seen is None:
        return {"status": "unavailable", "version": VERSION, "query": {"reachable": False}, "collections": None}
    complete = seen["collections"] is not None and all(d["ok"] for d in seen["dependencies"].values())
    state = "unavailable" if not seen["ready"] else "ok" if complete else "degraded"
    query = {key: seen[key] for key in ("version", "ready", "models", "dependencies")}
    return {
        "status": state,
        "version": VERSION,
        "query": {"reachable": True, **query},
        "collections": seen["collections"],
    }
