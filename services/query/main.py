"""The query service: semantic search and question answering over the collections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.common import redis
from services.common.app import create_app
from services.common.database import Database
from services.common.health import Dependency
from services.common.http import Http
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.query.answer import Answerer
from services.query.query_log import QueryLog, writer
from services.query.routes import rag_router
from services.query.search import Searcher
from services.query.settings import QuerySettings
from services.query.status import status_router

NAME = "query"
LEGACY = {"/search": "/api/v1/rag/search", "/query": "/api/v1/rag/query"}


def build(settings: QuerySettings) -> FastAPI:
    """The query service, put together."""
    http = Http()
    qdrant = Qdrant(http, settings.qdrant_urls)
    ollama = Ollama(
        http,
        settings.ollama_url,
        embedding_model=settings.embedding_model,
        generation_model=settings.generation_model,
    )
    database = Database(settings.database_url, settings.database_password)
    log = QueryLog(writer(database), capacity=settings.query_log_capacity)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, database, log:
            yield

    # The same routes twice: for consumers through the gateway, and for rag-service with the service token.
    rag = partial(
        rag_router,
        searcher=Searcher(ollama, qdrant),
        answerer=Answerer(ollama),
        log=log,
        default_collection=settings.default_collection,
    )
    return create_app(
        NAME,
        settings,
        routers=[rag("/api/v1/rag"), rag("/internal"), status_router(ollama, qdrant)],
        lifespan=lifespan,
        dependencies=[
            Dependency("qdrant", qdrant.ping),
            Dependency("ollama", ollama.ping),
            Dependency("timescaledb", database.ping, required=False),
            Dependency("redis", partial(redis.ping, settings.redis_url), required=False),
        ],
        legacy=LEGACY,
    )
