"""`/api/v1/rag/*`: answered by the query service, and the state of the whole."""

from contextlib import AsyncExitStack
from string import punctuation
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.common.app import VERSION
from services.common.direct import DirectRoute
from services.common.presence import ClientPresent
from services.common.responses import Json
from services.rag.proxy import Relay, streamed, whole
from services.rag.query import QueryService

PREFIX = "/api/v1/rag"
TO_QUERY = ("accept", "content-type", "x-consumer-username")
ROUTES = (("GET", "/search"), ("POST", "/query"))  # what is passed on; nothing else of `/internal` can be reached


def rag_router(query: QueryService) -> APIRouter:
    """`/api/v1/rag/search` and `/query`, answered by query; `/status`, answered here."""
    router = APIRouter(prefix=PREFIX, tags=["rag"], route_class=DirectRoute)

    async def relay(request: Request) -> Response:
        """Answered by the query service; see its description."""
        headers = {name: request.headers[name] for name in TO_QUERY if name in request.headers}
        path = request.scope["path"].removeprefix(PREFIX)
        asked = quote(request.scope["query_string"], safe=punctuation)  # as it came, but ASCII
        body = await request.body()
        async with AsyncExitStack() as stack:
            async with ClientPresent(request.receive):
                upstream = await stack.enter_async_context(
                    query.exchange(request.method, path, query=asked, body=body or None, headers=headers)
                )
                if not streamed(upstream):
                    return await whole(upstream)
            return Relay(upstream, stack.pop_all())

    for method, path in ROUTES:
        router.add_api_route(path, relay, methods=[method])

    @router.get("/status")
    async def status(_: Request) -> Response:
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
