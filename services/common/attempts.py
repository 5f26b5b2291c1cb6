"""Measures each attempt to reach a dependency: how long it took and how it ended."""

import asyncio
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import perf_counter

import aiohttp
import psycopg
import psycopg_pool
from prometheus_client import Histogram

from services.common.errors import ServiceError, UnavailableError

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300)
ATTEMPTS = Histogram(
    "dependency_attempt_seconds", "Attempts to reach a dependency", ["dependency", "outcome"], buckets=_BUCKETS
)
_labels = lru_cache(maxsize=256)(ATTEMPTS.labels)

_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    ((asyncio.CancelledError, GeneratorExit), "cancelled"),  # nobody waits for the answer any more
    (TimeoutError, "timeout"),
    ((psycopg.errors.ConnectionTimeout, psycopg_pool.PoolTimeout), "timeout"),
    (aiohttp.ClientResponseError, "garbage"),  # not HTTP
    ((aiohttp.ClientError, ConnectionError, psycopg.OperationalError), "reset"),
    ((ValueError, KeyError, TypeError, AttributeError), "garbage"),  # no JSON, or not of the shape asked for
)


def outcome(error: BaseException) -> str:
    """`refused`, `timeout`, `reset`, `garbage` or `cancelled`; `error` for an answer that tells of a failure."""
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return "refused"
    if isinstance(error, psycopg.OperationalError) and "refused" in str(error):
        return "refused"
    return next((name for kinds, name in _KINDS if isinstance(error, kinds)), "error")


@contextmanager
def attempt(dependency: str) -> Iterator[None]:
    """Around one attempt on one connection, from its beginning to the answer's last byte."""
    started, ended = perf_counter(), "ok"
    try:
        yield
    except ServiceError as error:
        ended = "error" if isinstance(error, UnavailableError) else "ok"
        raise
    except BaseException as error:
        ended = outcome(error)
        raise
    finally:
        _labels(dependency, ended).observe(perf_counter() - started)
