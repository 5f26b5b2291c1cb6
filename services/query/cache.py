"""Answers kept in Redis: one under each key, as the bytes that were sent."""

import hashlib
import zlib
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple, Self

import orjson
from prometheus_client import Histogram

from services.common.background_writer import BackgroundWriter
from services.common.errors import UnavailableError
from services.common.redis import Redis
from services.query.replies import Reply

LAYOUT = 1  # of entries; another one reads none of the earlier
LARGEST_BYTES = 512 * 1024  # of an entry; a search for 100 passages of 256 tokens takes about 150 KiB
WAITING = 64  # entries that may wait to be written

SECONDS = Histogram(
    "cache_seconds",
    "Time that a request spent reading the cache",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1),
)


class Kept(NamedTuple):
    """A reply with the version of its collection before it was computed (None: not known) and when it was kept."""

    reply: Reply
    version: int | None
    at: float


class UnusableError(Exception):
    """The cache did not answer, or with nonsense."""


def key(kind: str, *identity: object) -> str:
    """Where the reply is kept that depends on all of `identity`."""
    digest = hashlib.sha256(orjson.dumps(identity)).hexdigest()
    return f"answer:{LAYOUT}:{kind}:{digest}"


def encoded(under: str, kept: Kept) -> bytes:
    """The entry: a line with a checksum, one with the fields, one with the sources, then the body."""
    reply = kept.reply
    fields = orjson.dumps([under, kept.version, kept.at, reply.results, reply.top_score])
    entry = b"\n".join((fields, reply.sources, reply.body))
    return b"%08x\n" % zlib.crc32(entry) + entry


def decoded(under: str, entry: bytes) -> Kept:
    """What `encoded` was given; raises UnusableError where the entry is another's or damaged."""
    checksum, _, rest = entry.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(rest):
        raise UnusableError("damaged")
    fields, sources, body = rest.split(b"\n", 2)  # JSON has no line breaks of its own
    own, version, at, results, top_score = orjson.loads(fields)
    if own != under:
        raise UnusableError("the entry of another key")
    return Kept(Reply(body, results, top_score, sources), version, at)


class Cache:
    """Reads within milliseconds; writes in the background, for the time of an `async with`.

    One that is not `enabled` is empty and stays so.
    """

    def __init__(self, redis: Redis, *, keep_s: int, enabled: bool = True) -> None:
        self._redis = redis
        self._keep_s = keep_s
        self._enabled = enabled
        self._writer = BackgroundWriter(self._write, capacity=WAITING, name="cache", linger_s=0.0)

    async def __aenter__(self) -> Self:
        await self._redis.__aenter__()
        await self._writer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._writer.__aexit__()
        await self._redis.__aexit__()

    async def read(self, key: str) -> Kept | None:
        """What is kept under the key; raises UnusableError."""
        if not self._enabled:
            return None
        started = perf_counter()
        try:
            entry = await self._redis.get(key)
        except UnavailableError as error:
            raise UnusableError(error.detail) from error
        finally:
            SECONDS.observe(perf_counter() - started)
        return decoded(key, entry) if entry is not None else None

    def keep(self, key: str, kept: Kept) -> None:
        """Have it written; never waits, and drops what is too large or more than can wait."""
        if not self._enabled:
            return
        entry = encoded(key, kept)
        if len(entry) <= LARGEST_BYTES:
            self._writer.add((key, entry))

    async def _write(self, entries: Sequence[tuple[str, bytes]]) -> None:
        for under, entry in entries:
            try:
                await self._redis.set(under, entry, ttl_s=self._keep_s)
            except UnavailableError:
                return  # an answer is not worth a second attempt
