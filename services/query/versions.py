"""The collections' versions as far as one may rely on them at this moment."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

import psycopg

from services.common import versions
from services.common.errors import UnavailableError

POLL_S = 0.25

log = logging.getLogger(__name__)


class Versions:
    """Polls the versions in the background, for the time of an `async with`.

    Args:
        read: each collection's version; a collection that it leaves out has version 0.
        clock: monotonic, in seconds.
    """

    def __init__(
        self, read: Callable[[], Awaitable[Mapping[str, int]]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._seen: Mapping[str, int] = {}
        self._until = float("-inf")

    async def __aenter__(self) -> Self:
        self._polling = asyncio.create_task(self._keep_polling())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._polling.cancel()

    def current(self, collection: str) -> int | None:
        """The collection's version; None where that is not known for certain."""
        return self._seen.get(collection, 0) if self._clock() < self._until else None

    async def poll(self) -> None:
        """Look once. What is found counts from the beginning of the look: it may have changed before its end."""
        began = self._clock()
        self._seen = await self._read()
        self._until = began + versions.LEASE_S

    async def _keep_polling(self) -> None:
        while True:
            try:
                await self.poll()
            except (UnavailableError, psycopg.Error):
                pass  # the database's client says so; the lease runs out
            except Exception:
                log.exception("versions of the collections cannot be read")
            await asyncio.sleep(POLL_S)
