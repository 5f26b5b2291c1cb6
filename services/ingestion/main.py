"""The ingestion service: documents to points, as jobs that survive whatever happens."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.common.app import create_app
from services.common.collections import Collections
from services.common.database import Database
from services.common.health import Dependency
from services.common.http import Http
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
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


def build(settings: IngestionSettings) -> FastAPI:
    """The ingestion service, put together."""
    http = Http()
    qdrant = Qdrant(http, settings.qdrant_urls)
    ollama = Ollama(
        http,
        settings.ollama_url,
        embedding_model=settings.embedding_model,
        generation_model=settings.generation_model,
    )
    database = Database(settings.database_url, settings.database_password, max_size=8)
    collections = Collections(database, settings.collections_file)
    reader = Reader()
    leases = Leases(database, f"{socket.gethostname()}:{settings.port}", seconds=settings.lease_s)
    patience = Patience(settings.attempts, settings.first_pause_s, settings.longest_pause_s)
    tools = Tools(database, collections, qdrant, ollama, reader, settings.data_root, patience)
    workers = Workers(leases, tools, count=settings.workers, poll_s=settings.poll_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http, database, reader, workers:
            yield

    jobs = Jobs(database)
    # The same routes twice: for consumers through the gateway, and for the collections service with the service token.
    router = partial(jobs_router, jobs=jobs, collections=collections, progress=Progress(jobs), workers=workers)
    return create_app(
        NAME,
        settings,
        routers=[router(PREFIX), router("/internal/jobs")],
        lifespan=lifespan,
        dependencies=[
            Dependency("timescaledb", database.ping),
            Dependency("ollama", ollama.ping),
            Dependency("qdrant", qdrant.ping),
        ],
        legacy=LEGACY,
    )
