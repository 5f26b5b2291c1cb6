"""Keeps one watch for each enabled collection."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from services.collections.watcher import Watch
from services.common.collections import Collection, Collections
from services.common.errors import ServiceError
from services.common.tasks import end

log = logging.getLogger(__name__)


class Watchers:
    """Starts and ends watches as collections come, change and go.

    Args:
        refresh_s: seconds between two looks at which collections there are.
    """

    def __init__(self, collections: Collections, watch: Callable[[Collection], Watch], *, refresh_s: float) -> None:
        self._collections = collections
        self._watch = watch
        self._refresh_s = refresh_s
        self._changed = asyncio.Event()
        self._running: dict[Collection, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(self._keeper)
        await end(*self._running.values())

    def refresh(self) -> None:
        """Look at the collections now."""
        self._changed.set()

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            with suppress(ServiceError):  # neither database nor file can be read: go on with what is known
                await self._adjust(set(await self._collections.enabled()))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._refresh_s):
                    await self._changed.wait()

    async def _adjust(self, wanted: set[Collection]) -> None:
        for collection, task in list(self._running.items()):
            failed = task.done() and task.exception() is not None
            if failed:
                log.error(
                    "watch ended, it is started again", extra={"collection": collection.name}, exc_info=task.exception()
                )
            if failed or collection not in wanted:
                del self._running[collection]
                await end(task)
        for collection in wanted - self._running.keys():
            self._running[collection] = asyncio.create_task(self._watch(collection).run())
