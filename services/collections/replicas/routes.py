"""`/internal/replicas`: are the copies of a collection equal, and making them so."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.collections.replicas.check import check_all, converge
from services.collections.replicas.node import Node
from services.collections.replicas.repair import repair
from services.collections.replicas.report import RepairReport, Report, Reports, repair_report, report, reports
from services.collections.routes import MISSING
from services.common.qdrant import Qdrant
from services.common.responses import Json

LONGEST_WAIT_S = 300


def replicas_router(nodes: Sequence[Node], qdrant: Qdrant) -> APIRouter:
    """Checks all nodes' own replicas; `qdrant` is what a repair writes through."""
    router = APIRouter(prefix="/internal/replicas", tags=["internal"])

    @router.get("", responses={200: {"model": Reports}})
    async def check_each() -> Response:
        """Check every collection of the vector cluster, one after the other."""
        return Json(reports(await check_all(nodes, qdrant)).model_dump())

    @router.get("/{collection}", responses=MISSING | {200: {"model": Report}})
    async def check_one(collection: str, wait_s: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0) -> Response:
        """Check a collection; with `wait_s` again and again until its replicas are equal, for so long at most."""
        return Json(report(await converge(nodes, collection, wait_s)).model_dump())

    @router.post("/{collection}/repair", responses=MISSING | {200: {"model": RepairReport}})
    async def repair_one(collection: str) -> Response:
        """Check a collection, write what the majority holds where it differs, and check again."""
        return Json(repair_report(await repair(nodes, qdrant, collection)).model_dump())

    return router
