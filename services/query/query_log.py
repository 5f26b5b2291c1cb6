"""The query log: written to the database behind the answers' back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from starlette.requests import ClientDisconnect

from services.common.background_writer import LINGER_S, BackgroundWriter
from services.common.errors import ServiceError
from services.common.middleware.access import CLIENT_GONE
from services.common.middleware.request_id import request_id
from services.query.fallback import Answered


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
    answered_from: str | None = None  # live, cache or stale

    def answered(self, answer: Answered) -> None:
        """Note what the answer was."""
        self.results = answer.reply.results
        self.top_score = answer.reply.top_score
        self.answered_from = answer.source


class QueryLog(BackgroundWriter[Entry]):
    """Notes what is asked and how it ends."""

    def __init__(
        self, write: Callable[[Sequence[Entry]], Awaitable[None]], *, capacity: int, linger_s: float = LINGER_S
    ) -> None:
        super().__init__(write, capacity=capacity, name="query log", linger_s=linger_s)

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
