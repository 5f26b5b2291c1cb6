"""Writes entries to the database behind the answers' back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, Self, TypeVar

import psycopg
from prometheus_client import Counter, Gauge

from services.common.errors import ServiceError

BATCH = 500
LINGER_S = 0.2
RETRY_S = 2.0  # while the database is away
FLUSH_S = 1.5  # at shutdown; the whole service has five seconds

ENTRIES = Counter(
    "background_entries", "Entries written in the background, by what became of them", ["name", "outcome"]
)
PENDING = Gauge("background_pending", "Entries that wait to be written in the background", ["name"])

log = logging.getLogger(__name__)
T = TypeVar("T")


class BackgroundWriter(Generic[T]):
    """A bounded queue and one background task; a full queue drops entries, and counts them.

    Args:
        write: writes entries, all or none. While it raises ServiceError or psycopg.Error it is tried again; entries
            that the database refuses as such are dropped, and only those.
        capacity: entries that may wait.
        name: of what is written, in metrics and the log.
        linger_s: how long entries are collected before they are written.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        capacity: int,
        name: str,
        linger_s: float = LINGER_S,
    ) -> None:
        self._write = write
        self._name = name
        self._linger_s = linger_s
        self._queue: asyncio.Queue[T] = asyncio.Queue(capacity)
        self._unwritten = 0  # of the batch that has been taken from the queue
        PENDING.labels(name).set_function(self._queue.qsize)

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._keep_writing())
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._queue.join()
        self._writer.cancel()
        if left := self._unwritten + self._queue.qsize():
            self._count("dropped", left)
            log.warning("entries lost at shutdown", extra={"of": self._name, "entries": left})

    def add(self, entry: T) -> None:
        """Queue the entry; never waits."""
        try:
            self._queue.put_nowait(entry)
        except asyncio.QueueFull:
            self._count("dropped", 1)

    def _count(self, outcome: str, entries: int) -> None:
        ENTRIES.labels(self._name, outcome).inc(entries)

    async def _keep_writing(self) -> None:
        while True:
            batch = [await self._queue.get()]
            self._unwritten = 1
            await asyncio.sleep(self._linger_s)
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            self._unwritten = len(batch)
            await self._deal_with(batch)
            for _ in batch:
                self._queue.task_done()

    async def _deal_with(self, batch: Sequence[T]) -> None:
        outcome = await self._attempt(batch)
        if outcome != "written" and len(batch) > 1:  # one entry must not take the others with it
            half = len(batch) // 2
            await self._deal_with(batch[:half])
            await self._deal_with(batch[half:])
            return
        self._unwritten -= len(batch)
        self._count(outcome, len(batch))

    async def _attempt(self, batch: Sequence[T]) -> str:
        """Try until the entries are written or refused as such."""
        while True:
            try:
                await self._write(batch)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                if len(batch) == 1:
                    # No more than the error's name: the database's words quote the entry.
                    log.warning("entry refused", extra={"of": self._name, "error": type(error).__name__})
                return "dropped"
            except (ServiceError, psycopg.Error):
                await asyncio.sleep(RETRY_S)
            except Exception:
                if len(batch) == 1:
                    log.exception("entry dropped", extra={"of": self._name})
                return "dropped"
            else:
                return "written"
