"""rag-service: the documentation API, and the other door to the query service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI

from services.common import probes, service
from services.common.app import create_app
from services.common.breakers import Breakers
from services.common.health import Dependency
from services.common.http import Http
from services.common.service import Service
from services.rag.index import Index
from services.rag.query import QueryService
from services.rag.routes_docs import docs_router
from services.rag.routes_rag import rag_router
from services.rag.settings import RagSettings

NAME = "rag-service"
LEGACY = {"/api/docs": "/api/v1/docs", "/api/rag": "/api/v1/rag"}


def build(settings: RagSettings) -> FastAPI:
    """rag-service, put together."""
    http = Http()
    index = Index(settings.docs_root)
    breakers = Breakers(NAME, settings)  # without a database, their events are in the log only
    query = Service(
        "query",
        http,
        settings.query_url,
        settings.service_secret.sent,
        protection=breakers.service("query", service.LIMIT, probes.service(settings.query_url)),
    )

    async def documents() -> None:
        await asyncio.to_thread(index.page, 0, 1)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with closing(index):
            async with http:
                yield

    return create_app(
        NAME,
        settings,
        breakers=breakers,
        routers=[docs_router(index), rag_router(QueryService(query))],
        lifespan=lifespan,
        dependencies=[
            Dependency("documents", documents),
            Dependency("query", query.ping, required=False),  # without it the documents are still delivered
        ],
        legacy=LEGACY,
    )
