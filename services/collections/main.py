"""The collections service: which collections there are, and what happens in their folders."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.collections.ingestion import Ingestion
from services.collections.pending import Pending
from services.collections.replicas.monitor import monitoring
from services.collections.replicas.node import nodes_at
from services.collections.replicas.routes import replicas_router
from services.collections.routes import PREFIX, collections_router
from services.collections.routes_contents import contents_router
from services.collections.settings import CollectionsSettings
from services.collections.store import Store
from services.collections.watcher import Watch
from services.collections.watchers import Watchers
from services.common.app import create_app
from services.common.clients import Clients
from services.common.collections import Collection, Collections
from services.common.health import Dependency

NAME = "collections"
LEGACY = {"/collections": PREFIX}


def build(settings: CollectionsSettings) -> FastAPI:
    """The collections service, put together."""
    clients = Clients(NAME, settings)
    qdrant, database = clients.qdrant, clients.database
    nodes = nodes_at(settings.qdrant_urls, clients.http)
    collections = Collections(database, settings.collections_file)
    store = Store(database)
    service = clients.service("ingestion", settings.ingestion_url)
    ingestion = Ingestion(service)

    def watch(collection: Collection) -> Watch:
        return Watch(
            collection,
            settings.data_root,
            ingestion,
            partial(store.paths_below, collection.name),
            Pending(settings.watch_stable_s, settings.watch_longest_s),
            settings.watch_sweep_s,
        )

    watchers = Watchers(collections, watch, refresh_s=settings.watch_refresh_s)
    monitor = partial(
        monitoring, nodes, qdrant, marker_s=settings.replication_marker_s, check_s=settings.replica_check_s
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with clients, AsyncExitStack() as stack:
            if not settings.candidate:  # the stable release does
                await stack.enter_async_context(watchers)
                await stack.enter_async_context(monitor())
            yield

    return create_app(
        NAME,
        settings,
        breakers=clients.breakers,
        routers=[
            collections_router(
                collections,
                store,
                qdrant,
                data_root=settings.data_root,
                embedding_model=settings.embedding_model,
                changed=watchers.refresh,
            ),
            contents_router(collections, store, ingestion, qdrant, data_root=settings.data_root),
            replicas_router(nodes, qdrant),
        ],
        lifespan=lifespan,
        dependencies=[
            # It lists collections from the file without any of these.
            Dependency("timescaledb", database.ping, required=False),
            Dependency("ingestion", service.ping, required=False),
            Dependency("qdrant", qdrant.ping, required=False),
        ],
        legacy=LEGACY,
    )
