"""Watches the replicas in the background: how far they are behind, and whether they are equal."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from services.collections.replicas.check import check_all
from services.collections.replicas.lag import Lag, Step
from services.collections.replicas.node import Node
from services.common.errors import ServiceError
from services.common.qdrant import Qdrant
from services.common.tasks import end

DEFECT_S = 1.0  # before a step that has a defect is repeated
PAUSE_S = 2.0  # between two pages of a check: it takes as long as it may, and little at any moment

log = logging.getLogger(__name__)


@asynccontextmanager
async def monitoring(nodes: Sequence[Node], qdrant: Qdrant, *, marker_s: float, check_s: float) -> AsyncIterator[None]:
    """Measure the lag, and check all collections, every so many seconds; 0 or less: not at all."""
    steps: list[Step] = []
    if marker_s > 0:
        steps += Lag(nodes, qdrant, marker_s).steps()
    if check_s > 0:
        steps.append(partial(_check, nodes, qdrant, check_s))
    tasks = [asyncio.create_task(_forever(step)) for step in steps]
    try:
        yield
    finally:
        await end(*tasks)


async def _forever(step: Step) -> None:
    """A defect must not end the watching, which would look as if all were well."""
    while True:
        try:
            await step()
        except Exception:
            log.exception("watching the replicas failed")
            await asyncio.sleep(DEFECT_S)


async def _check(nodes: Sequence[Node], qdrant: Qdrant, interval_s: float) -> None:
    await asyncio.sleep(interval_s)
    try:
        checked = await check_all(nodes, qdrant, pause_s=PAUSE_S)
    except ServiceError as error:
        log.warning("replicas not checked", extra={"reason": error.detail})
        return
    for found in checked:
        if not found.consistent:
            told = {"collection": found.collection, "differing": len(found.differences), "reason": found.problem}
            log.warning("replicas differ" if found.differences else "replicas not compared", extra=told)
