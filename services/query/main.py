"""The query service: semantic search and question answering over the collections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.common import redis, versions
from services.common.app import create_app
from services.common.clients import Clients, inserting
from services.common.health import Dependency
from services.common.redis import Redis
from services.query.answer import Answerer
from services.query.cache import Cache
from services.query.fallback import Fallback
from services.query.live import Live
from services.query.query_log import Entry, QueryLog
from services.query.routes import rag_router
from services.query.search import Searcher
from services.query.settings import QuerySettings
from services.query.status import status_router
from services.query.versions import Versions

NAME = "query"
LEGACY = {"/search": "/api/v1/rag/search", "/query": "/api/v1/rag/query"}


def build(settings: QuerySettings) -> FastAPI:
    """The query service, put together."""
    clients = Clients(NAME, settings)
    qdrant, database, ollama = clients.qdrant, clients.database, clients.ollama(settings)
    log = QueryLog(inserting(database, "query_log", Entry), capacity=settings.query_log_capacity)
    store = Redis(settings.redis_url, force_closed=settings.circuit_breaker_force_closed)
    cache = Cache(store, keep_s=settings.cache_stale_s, enabled=settings.cache_enabled)
    known = Versions(partial(versions.read, database))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with clients, log, cache, known:
            yield

    # The same routes twice: for consumers through the gateway, and for rag-service with the service token.
    rag = partial(
        rag_router,
        live=Live(Searcher(ollama, qdrant), Answerer(ollama)),
        fallback=Fallback(cache, known, fresh_s=settings.cache_fresh_s),
        log=log,
        default_collection=settings.default_collection,
    )
    return create_app(
        NAME,
        settings,
        breakers=clients.breakers,
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
