"""What the query service tells the stack's other services about itself."""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.common.app import VERSION
from services.common.errors import ServiceError
from services.common.ollama import Ollama
from services.common.qdrant import Qdrant
from services.common.responses import Json


def status_router(ollama: Ollama, qdrant: Qdrant) -> APIRouter:
    """`/internal/status`: version, models, collections with their number of points."""
    router = APIRouter(prefix="/internal", tags=["internal"])

    @router.get("/status")
    async def status() -> Response:
        """The service's version, its models, and the collections as far as the vector store tells."""
        models = {"embedding": ollama.embedding_model, "generation": ollama.generation_model}
        return Json({"version": VERSION, "models": models, "collections": await _collections(qdrant)})

    return router


async def _collections(qdrant: Qdrant) -> list[dict[str, Any]] | None:
    try:
        names = sorted(await qdrant.list_collections())
        counts = await asyncio.gather(*map(qdrant.count, names))
    except ServiceError:
        return None
    return [{"name": name, "points": points} for name, points in zip(names, counts, strict=True)]
