"""What is in a collection: its documents with their states, its numbers, and reading all of it again."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.collections.ingestion import Ingestion
from services.collections.models import DocumentStates, Job, Stats
from services.collections.routes import MISSING, PREFIX
from services.collections.store import Store
from services.common.collections import Collections
from services.common.errors import NotFoundError, ServiceError
from services.common.folder import directory, documents
from services.common.qdrant import Qdrant
from services.common.responses import Json


def contents_router(
    collections: Collections, store: Store, ingestion: Ingestion, qdrant: Qdrant, *, data_root: Path
) -> APIRouter:
    """`/api/v1/collections/{name}/documents`, `/stats` and `/reindex`."""
    router = APIRouter(prefix=PREFIX, tags=["contents"], responses=MISSING)

    @router.get("/{name}/documents", responses={200: {"model": DocumentStates}})
    async def list_documents(
        name: str,
        status: Literal["indexed", "failed"] | None = None,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """What became of each document."""
        await collections.get(name)
        total, page = await store.documents(name, status=status, limit=limit, offset=offset)
        return Json({"documents": page, "total": total, "offset": offset, "limit": limit})

    @router.get("/{name}/stats", responses={200: {"model": Stats}})
    async def stats(name: str) -> Response:
        """The collection in numbers."""
        collection = await collections.get(name)
        folder = directory(data_root, collection.directory)
        files, vectors, numbers = await asyncio.gather(
            asyncio.to_thread(lambda: sum(1 for _ in documents(data_root, folder))),
            _vectors(qdrant, name),
            store.stats(name),
        )
        return Json({"name": name, "files": files, "vectors": vectors, **numbers})

    @router.post("/{name}/reindex", status_code=202, responses={202: {"model": Job}})
    async def reindex(name: str) -> Response:
        """Start a job that reads and embeds all documents again, unchanged ones too."""
        await collections.get(name)
        job = await ingestion.start(name, force=True)
        return Json(job, 202, {"Location": f"/api/v1/ingestion/jobs/{job['id']}"})

    return router


async def _vectors(qdrant: Qdrant, name: str) -> int | None:
    try:
        return await qdrant.count(name)
    except NotFoundError:  # nothing has been ingested yet
        return 0
    except ServiceError:
        return None
