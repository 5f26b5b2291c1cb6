"""The order in which requests are answered: fresh from the cache, live, stale from the cache, or not."""

import time
import zlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from prometheus_client import Counter

from services.common.errors import UnavailableError
from services.query.cache import Cache, Kept, UnusableError
from services.query.flights import Flights
from services.query.replies import Reply
from services.query.versions import Versions

REQUESTS = Counter(
    "cache_requests",
    "Requests: fresh, miss or unusable as the cache was read; and stale besides where a stale answer went out",
    ["kind", "outcome"],
)
_requests = cache(REQUESTS.labels)

SPREAD = 0.2
"""The share of its time by which an answer may be fresh for less, so that not all from one moment end at one moment."""


class Source(StrEnum):
    """Where a reply is from."""

    LIVE = "live"
    CACHE = "cache"
    STALE = "stale"


@dataclass(frozen=True)
class Answered:
    """A reply, where it is from, and the seconds since it was computed."""

    reply: Reply
    source: Source = Source.LIVE
    age_s: float = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the client where the reply is from."""
        if self.source is Source.LIVE:
            return {}
        degraded = {"X-Service-Degraded": "true"} if self.source is Source.STALE else {}
        return {"X-From-Cache": "true", "Age": str(max(0, int(self.age_s))), **degraded}


@dataclass(frozen=True)
class Seen:
    """What there was for a request before anything was computed for it: the version as of then, and what was kept."""

    kind: str
    key: str
    version: int | None
    kept: Kept | None
    fresh: Answered | None


def spread(key: str) -> float:
    """From 1 - SPREAD to 1, always the same for a key."""
    return 1 - SPREAD * zlib.crc32(key.encode()) / 2**32


class Fallback:
    """Answers requests, and keeps what is computed for them.

    Args:
        fresh_s: so long a reply is fresh at most, if its collection has not changed meanwhile.
        clock: the time of day in seconds.
    """

    def __init__(
        self, cache: Cache, versions: Versions, *, fresh_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._cache = cache
        self._versions = versions
        self._flights: Flights[Reply] = Flights()
        self._fresh_s = fresh_s
        self._clock = clock

    async def answer(self, seen: Seen, compute: Callable[[], Coroutine[Any, Any, Reply]]) -> Answered:
        """The reply to a request for which nothing fresh was seen.

        Raises what `compute` raises, unless that is an UnavailableError and a reply has been kept.
        """
        try:
            return Answered(await self._live(seen, compute))
        except UnavailableError:
            if stale := self.stale(seen):
                return stale
            raise

    async def look(self, kind: str, key: str, collection: str) -> Seen:
        """What there is for a request."""
        outcome, kept, fresh = "miss", None, None
        try:
            kept = await self._cache.read(key)
        except UnusableError:
            outcome = "unusable"
        # Read after the cache, so that it still holds when a kept reply goes out, and before a computation begins.
        version = self._versions.current(collection)
        if version is None:
            outcome = "unusable"
        elif kept and kept.version == version and (age_s := self._clock() - kept.at) < self._fresh_s * spread(key):
            outcome, fresh = "fresh", Answered(kept.reply, Source.CACHE, age_s)
        _requests(kind, outcome).inc()
        return Seen(kind, key, version, kept, fresh)

    def stale(self, seen: Seen) -> Answered | None:
        """What was kept, whatever its age, for want of a live reply."""
        if seen.kept is None:
            return None
        _requests(seen.kind, "stale").inc()
        return Answered(seen.kept.reply, Source.STALE, self._clock() - seen.kept.at)

    def keep(self, seen: Seen, reply: Reply) -> None:
        """Keep what was computed for the request: for the version from before, as it may have changed meanwhile."""
        self._cache.keep(seen.key, Kept(reply, seen.version, self._clock()))

    async def _live(self, seen: Seen, compute: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply:
        async def computed() -> Reply:
            reply = await compute()
            self.keep(seen, reply)
            return reply

        if seen.version is None:  # whether another's computation saw the latest change is not known
            return await computed()
        return await self._flights.join((seen.key, seen.version), computed)
