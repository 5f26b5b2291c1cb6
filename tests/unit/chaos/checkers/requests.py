"""Requests for checkers' tests: searches that are live after 10 ms unless a test says otherwise."""

from collections.abc import Iterable
from typing import Any

from chaos.record import Outcome, Request

HEADERS = {
    Outcome.CACHED: {"x-from-cache": "true"},
    Outcome.DEGRADED: {"x-from-cache": "true", "x-service-degraded": "true"},
    Outcome.UNAVAILABLE: {"retry-after": "2"},
}
STATUSES = {Outcome.REFUSED: 404, Outcome.UNAVAILABLE: 503, Outcome.ERROR: 500, Outcome.LOST: None}


def request(
    at: float = 0.0, outcome: Outcome = Outcome.LIVE, *, seconds: float = 0.01, number: int = 0, **other: Any
) -> Request:
    usual: dict[str, Any] = {
        "operation": "search",
        "started": at,
        "status": STATUSES.get(outcome, 200),
        "headers": HEADERS.get(outcome, {}),
    }
    return Request(number=number, intended=at, ended=at + seconds, outcome=outcome, **(usual | other))


def stretch(
    begin: float, end: float, outcome: Outcome = Outcome.LIVE, *, rate: float = 20, **other: Any
) -> list[Request]:
    times: Iterable[float] = (begin + number / rate for number in range(round((end - begin) * rate)))
    return [request(at, outcome, **other) for at in times]
