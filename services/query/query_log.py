"""The query log: written to the database behind the answers' back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from time import perf_counter
from typing import Self

import psycopg
from prometheus_client import Counter, Gauge
from psycopg import sql
from starlette.requests import ClientDisconnect

from services.common.database import Database
from services.common.errors import ServiceError
from services.common.middleware.access import CLIENT_GONE
from services.common.middleware.request_id import request_id
from services.common.qdrant import Hit

BATCH = 500
LINGER_S = 0.2  # entries are collected so long before they are written
RETRY_S = 2.0  # while the database is away
FLUSH_S = 1.5  # at shutdown; the whole service has five seconds

ENTRIES = Counter("query_log_entries", "Entries of the query log, by what became of them", ["outcome"])
PENDING = Gauge("query_log_pending", "Entries of the query log that wait for the database")

log = logging.getLogger(__name__)


@dataclass
class Entry:
    """A row of rag.query_log, its fields the columns."""

    asked_at: datetime
    request_id: str | None
    consumer: str | None
    kind: str  # search or question
    collection: str
    question: str
    status: int = 200
    results: int = 0
    top_score: float | None = None
    took_ms: float = 0.0

    def found(self, hits: Sequence[Hit]) -> None:
        """Note what the search gave."""
        self.results = len(hits)
        self.top_score = hits[0].score if hits else None


Write = Callable[[Sequence[Entry]], Awaitable[None]]


def writer(database: Database) -> Write:
    """Writes entries to rag.query_log."""
    columns = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Entry))
    statement = sql.SQL("COPY rag.query_log ({}) FROM STDIN").format(columns)

    async def write(entries: Sequence[Entry]) -> None:
        async with database.connection() as connection, connection.cursor() as cursor, cursor.copy(statement) as copy:
            for entry in entries:
                await copy.write_row(astuple(entry))

    return write


class QueryLog:
    """A bounded queue and one background writer; a full queue drops entries, and counts them."""

    def __init__(self, write: Write, *, capacity: int) -> None:
        self._write = write
        self._queue: asyncio.Queue[Entry] = asyncio.Queue(capacity)
        self._batch: list[Entry] = []  # what is being written
        PENDING.set_function(self._queue.qsize)

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._keep_writing())
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._queue.join()
        self._writer.cancel()
        if left := len(self._batch) + self._queue.qsize():
            ENTRIES.labels("dropped").inc(left)
            log.warning("query log lost entries at shutdown", extra={"entries": left})

    def add(self, entry: Entry) -> None:
        """Queue the entry; never waits."""
        try:
            self._queue.put_nowait(entry)
        except asyncio.QueueFull:
            ENTRIES.labels("dropped").inc()

    @contextmanager
    def recording(self, kind: str, collection: str, question: str, consumer: str | None) -> Iterator[Entry]:
        """Add an entry for what the body does, however it ends; the body fills in the results."""
        entry = Entry(datetime.now(UTC), request_id.get(), consumer, kind, collection, question, status=500)
        started = perf_counter()
        try:
            yield entry
            entry.status = 200
        except ServiceError as error:
            entry.status = error.status
            raise
        except (asyncio.CancelledError, GeneratorExit, ClientDisconnect):
            entry.status = CLIENT_GONE
            raise
        finally:
            entry.took_ms = round((perf_counter() - started) * 1000, 2)
            self.add(entry)

    async def _keep_writing(self) -> None:
        while True:
            self._batch = [await self._queue.get()]
            await asyncio.sleep(LINGER_S)
            while len(self._batch) < BATCH and not self._queue.empty():
                self._batch.append(self._queue.get_nowait())
            outcome = await self._write_batch(self._batch)
            ENTRIES.labels(outcome).inc(len(self._batch))
            for _ in self._batch:
                self._queue.task_done()
            self._batch = []

    async def _write_batch(self, batch: Sequence[Entry]) -> str:
        """Write until it is done; entries that the database refuses as such are dropped."""
        while True:
            try:
                await self._write(batch)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                reason = type(error).__name__  # no more: the database's words quote what was asked
                log.warning("query log entries refused", extra={"entries": len(batch), "error": reason})
                return "dropped"
            except (ServiceError, psycopg.Error):
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("query log entries dropped", extra={"entries": len(batch)})
                return "dropped"
            else:
                return "written"
