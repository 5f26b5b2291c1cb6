"""A job's progress as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.common.errors import NotFoundError, UnavailableError
from services.common.events import encode
from services.ingestion.jobs import Jobs

POLL_S = 0.3  # between two looks at a job that somebody follows
KEEP_ALIVE_S = 15.0  # proxies close connections that are silent for longer
KEEP_ALIVE = b": still here\n\n"


@dataclass
class _Followed:
    """What has been seen of a job; one poll serves all who follow it."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    total: int | None = None
    end: bytes | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    followers: int = 0
    polling: asyncio.Task[None] | None = None

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Progress:
    """Follows jobs for as long as somebody wants to know."""

    def __init__(self, jobs: Jobs, *, poll_s: float = POLL_S, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._jobs = jobs
        self._poll_s = poll_s
        self._keep_alive_s = keep_alive_s
        self._followed: dict[UUID, _Followed] = {}

    async def events(self, job: UUID, after: int) -> AsyncGenerator[bytes, None]:
        """The job's documents after the event of that number, then its end; comments while there is nothing to say."""
        async with self._following(job) as followed:
            sent = sum(1 for document in followed.documents if document["number"] <= after)
            while True:
                changed = followed.changed
                while sent < len(followed.documents):
                    document = followed.documents[sent]
                    sent += 1
                    if document["number"] > after:
                        yield _document(document, sent, followed.total)
                if followed.end:
                    yield followed.end
                    return
                try:
                    async with asyncio.timeout(self._keep_alive_s):
                        await changed.wait()
                except TimeoutError:
                    yield KEEP_ALIVE

    @asynccontextmanager
    async def _following(self, job: UUID) -> AsyncIterator[_Followed]:
        followed = self._followed.setdefault(job, _Followed())
        followed.followers += 1
        if followed.polling is None:
            followed.polling = asyncio.create_task(self._poll(job, followed))
        try:
            yield followed
        finally:
            followed.followers -= 1
            if not followed.followers:
                followed.polling.cancel()
                del self._followed[job]

    async def _poll(self, job: UUID, followed: _Followed) -> None:
        while followed.followers and not followed.end:
            try:
                await self._look(job, followed)
            except UnavailableError:
                pass  # it will be back
            except NotFoundError as error:
                followed.end = encode("failed", {"id": str(job), "state": "failed", "reason": error.detail})
            followed.tell()
            await asyncio.sleep(self._poll_s)

    async def _look(self, job: UUID, followed: _Followed) -> None:
        shown = await self._jobs.get(job)  # first: after its end no more documents come
        seen = followed.documents[-1]["number"] if followed.documents else 0
        followed.total = shown["counts"]["total"]
        followed.documents += await self._jobs.documents(job, seen)
        if shown["state"] in {"done", "failed"}:
            followed.end = encode(shown["state"], shown)


def _document(document: dict[str, Any], done: int, total: int | None) -> bytes:
    told = {name: document[name] for name in ("path", "status", "reason", "chunks")}
    return encode("document", told | {"done": done, "total": total}, document["number"])
