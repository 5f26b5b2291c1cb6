"""How a shard comes by a graph for its vectors without standing still.

Its files are copied, which its writes wait for, and a process of its own optimizes the copy. What was written meanwhile
is carried over, and the shard goes on with the copy. A kill at any moment leaves either the old files or the new ones.
"""

import asyncio
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from qdrant_edge import EdgeShard, Point, UpdateOperation

from infra.embedded.qdrant import generations
from infra.embedded.qdrant.engine import load, worth_optimizing
from infra.embedded.qdrant.optimizing import optimizing
from infra.embedded.qdrant.shard import Shard, plain, slices

RETRY_S = 30.0  # after a failure

log = logging.getLogger(__name__)


class Optimization:
    """The optimization of one shard."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._running: asyncio.Task[None] | None = None
        self._failure = ""
        self._ended = False

    @property
    def due(self) -> bool:
        """Whether so much was written that it is time."""
        return not self._ended and worth_optimizing(self._shard.written, self._shard.params)

    def shown(self) -> dict[str, Any]:
        """As the collection's information shows it."""
        if self._failure:
            return {"status": "red", "optimizer_status": {"error": self._failure}}
        return {"status": "yellow" if self._running or self.due else "green", "optimizer_status": "ok"}

    async def run(self) -> None:
        """Optimize the shard; after a failure, which is logged and shown, return only when it is time to try again."""
        self._running = asyncio.create_task(self._optimize())
        try:
            await self._running
        except asyncio.CancelledError:
            if not self._ended or _asked_to_end():
                raise
        except Exception as error:
            log.exception("%s can't be optimized", self._shard.directory)
            self._failure = str(error)
            await asyncio.sleep(RETRY_S)
        else:
            self._failure = ""
        finally:
            self._running = None

    def end(self) -> None:
        """Stop, for good, before the shard is closed."""
        self._ended = True
        if self._running:
            self._running.cancel()

    async def _optimize(self) -> None:
        shard = self._shard
        copy = generations.following(shard.directory)
        try:
            async with optimizing(shard.files, copy) as optimizer:
                with shard.still():
                    written = shard.written
                    shard.flush()
                    shard.noted = set()
                    await optimizer.copy()
                await optimizer.finish()
            await self._go_on_with(copy)
            shard.written -= written
        finally:
            shard.noted = None
            generations.tidy(shard.directory)

    async def _go_on_with(self, copy: Path) -> None:
        shard = self._shard
        with ExitStack() as unless_used:
            engine = load(copy, shard.params)
            unless_used.callback(engine.close)
            await self._carry_over(engine)  # most of it, while the shard takes more
            with shard.still():
                await self._carry_over(engine)
                shard.exchange(engine, copy)
                unless_used.pop_all()

    async def _carry_over(self, engine: EdgeShard) -> None:
        """Have the engine know what has been noted so far as it is now."""
        ids, self._shard.noted = self._shard.noted or set(), set()
        for part in slices(ids):
            found = self._shard.retrieve(part, with_payload=True, with_vector=True)
            points = [Point(p.id, p.vector, p.payload) for p in found]  # type: ignore[arg-type]  # asked for its vector
            engine.update(UpdateOperation.upsert_points(points))
            gone = set(part) - {plain(point.id) for point in found}
            engine.update(UpdateOperation.delete_points([*gone]))
            await asyncio.sleep(0)


def _asked_to_end() -> bool:
    """Whether the task that runs this is itself cancelled, not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
