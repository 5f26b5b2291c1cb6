"""What `/metrics` says about requests: their number by route, method and status, and how long they took."""

from functools import lru_cache

from prometheus_client import Counter, Histogram
from starlette.types import Scope

from services.common.middleware.request_id import SYNTHETIC, request_id

BUCKETS = (
    *(0.0025, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Ends in seconds. From 5 ms to 1 s each is at most half as much again as the one before: a p95 that has doubled is to
be seen in a few hundred answers, and within a bucket nobody knows where they lie."""

REQUESTS = Counter("http_requests", "Requests answered; status 499: the client hung up", ["method", "route", "status"])
LATENCY = Histogram(
    "http_request_duration_seconds", "Time to the answer's last byte", ["method", "route"], buckets=BUCKETS
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_counter = lru_cache(maxsize=4096)(REQUESTS.labels)
_histogram = lru_cache(maxsize=1024)(LATENCY.labels)


SYNTHETIC_ROUTE = "synthetic"
"""The route of all requests that are no caller's."""


def route_of(scope: Scope) -> str:
    """The matched route's template; `unmatched` keeps unknown paths from becoming series."""
    if (request_id.get() or "").startswith(SYNTHETIC):
        return SYNTHETIC_ROUTE
    return getattr(scope.get("route"), "path", "unmatched")


def observe(scope: Scope, status: int, seconds: float) -> None:
    """Count one answered request."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = route_of(scope)
    _counter(method, route, str(status)).inc()
    _histogram(method, route).observe(seconds)
