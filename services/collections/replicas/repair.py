"""Makes replicas equal again: what the majority holds is written once more, what only one node holds is deleted."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.collections.replicas.check import Comparison, check, held_by
from services.collections.replicas.difference import Difference
from services.collections.replicas.node import Node
from services.collections.replicas.reading import Reading
from services.common.errors import ServiceError, UnavailableError
from services.common.qdrant import Point, Qdrant

BATCH = 32  # points read again and written together; so few that little can change in between
PATIENCE_S = 15.0  # with writes that are not acknowledged
RETRY_S = 0.5

log = logging.getLogger(__name__)


@dataclass
class Repair:
    """What a repair did; `after` is the check that followed, None where there was nothing to repair."""

    before: Comparison
    written: list[Difference] = field(default_factory=list)
    deleted: list[Difference] = field(default_factory=list)
    changed: list[Difference] = field(default_factory=list)
    """Not as they had been found any more, since others write them; left alone."""
    failed: list[Difference] = field(default_factory=list)
    problem: str | None = None  # why those failed
    after: Comparison | None = None


async def repair(nodes: Sequence[Node], store: Qdrant, collection: str) -> Repair:
    """Check, repair what a majority decides, and check again; raises NotFoundError for an unknown collection.

    Every write is an ordinary one, repeated until it is acknowledged or patience ends. To repeat a repair, or to run
    two at a time, does no harm.
    """
    done = Repair(await check(nodes, collection))
    decided = [difference for difference in done.before.differences if difference.decided]
    deadline = time.monotonic() + PATIENCE_S
    for start in range(0, len(decided), BATCH):
        batch = decided[start : start + BATCH]
        await _repair(nodes, store, batch, collection=collection, done=done, deadline=deadline)
    if decided:
        done.after = await check(nodes, collection)
        counts = {key: len(getattr(done, key)) for key in ("written", "deleted", "changed", "failed")}
        log.info("replicas repaired", extra={"collection": collection, "consistent": done.after.consistent, **counts})
    return done


async def _repair(
    nodes: Sequence[Node], store: Qdrant, batch: Sequence[Difference], *, collection: str, done: Repair, deadline: float
) -> None:
    reading = Reading(nodes, collection)
    now = await reading.points([difference.id for difference in batch])
    same, points = [], []
    for difference in batch:
        held = now[difference.id]
        if held_by(held, [name for name in difference.held if name in reading.names]) != difference.held:
            done.changed.append(difference)
            continue
        same.append(difference)
        if difference.truth is not None:
            right = next(name for name, digest in difference.held.items() if digest == difference.truth)
            points.append(Point(difference.id, held[right].vector, held[right].payload))
    extra = [difference.id for difference in same if difference.truth is None]
    try:
        if points:
            await _until_acknowledged(lambda: store.upsert(collection, points), deadline)
        if extra:
            await _until_acknowledged(lambda: store.delete_ids(collection, extra), deadline)
    except ServiceError as error:
        done.problem = error.detail
        done.failed += same
    else:
        done.written += [difference for difference in same if difference.truth is not None]
        done.deleted += [difference for difference in same if difference.truth is None]


async def _until_acknowledged(write: Callable[[], Awaitable[None]], deadline: float) -> None:
    """Raises what the write raises last, where it cannot succeed or the deadline has passed."""
    while True:
        try:
            return await write()
        except UnavailableError:
            if time.monotonic() + RETRY_S > deadline:
                raise
        await asyncio.sleep(RETRY_S)
