"""The ingestion service: documents to points, as jobs that survive whatever happens."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.common.app import create_app
from services.common.clients import Clients
from services.common.collections import Collections
from services.common.health import Dependency
from services.ingestion.events import Progress
from services.ingestion.jobs import Jobs
from services.ingestion.lease import Leases
from services.ingestion.reader import Reader
from services.ingestion.repeat import Patience
from services.ingestion.routes import PREFIX, jobs_router
from services.ingestion.run import Tools
from services.ingestion.settings import IngestionSettings
from services.ingestion.worker import Workers

NAME = "ingestion"
LEGACY = {"/ingest": PREFIX}
CONNECTIONS = 8  # to the database: each job at work renews its lease on one of its own


def build(settings: IngestionSettings) -> FastAPI:
    """The ingestion service, put together."""
    clients = Clients(NAME, settings, connections=CONNECTIONS)
    qdrant, database, ollama = clients.qdrant, clients.database, clients.ollama(settings)
    collections = Collections(database, settings.collections_file)
    reader = Reader()
    process = f"{socket.gethostname()}:{settings.port}"
    leases = Leases(database, process, seconds=settings.lease_s, own=settings.candidate)
    patience = Patience(settings.attempts, settings.first_pause_s, settings.longest_pause_s)
    tools = Tools(database, collections, qdrant, ollama, reader, settings.data_root, patience)
    workers = Workers(leases, tools, count=settings.workers, poll_s=settings.poll_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with clients, reader, workers:
            yield

    jobs = Jobs(database, leases)
    # The same routes twice: for consumers through the gateway, and for the collections service with the service token.
    router = partial(jobs_router, jobs=jobs, collections=collections, progress=Progress(jobs), workers=workers)
    return create_app(
        NAME,
        settings,
        breakers=clients.breakers,
        routers=[router(PREFIX), router("/internal/jobs")],
        lifespan=lifespan,
        dependencies=[
            Dependency("timescaledb", database.ping),
            Dependency("ollama", ollama.ping),
            Dependency("qdrant", qdrant.ping),
        ],
        legacy=LEGACY,
    )
