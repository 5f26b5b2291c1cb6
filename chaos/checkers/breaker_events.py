"""What a circuit breaker did, in order, as a service tells it at `/internal/breakers`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happened: a call began or ended, or the breaker's state became one of the last three."""

    BEGAN = "began"
    PROBE = "probe"  # a call that was let through to see whether the dependency is back
    ANSWERED = "answered"  # the probe has not ended, but the dependency has begun to answer
    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"  # it tells nothing of the dependency: cancelled, out of time, out of date
    NOT_PERMITTED = "not_permitted"
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


PROBE_ANSWERED = "the probe is answered"
BY_HAND = "reset by hand"
CLIENT_ERROR = "client error"


@dataclass(frozen=True)
class BreakerEvent:
    """One event; `at` is in seconds of the process's monotonic clock, and `call` the number of the call it is of.

    `cause` is why the state changed, in the service's words; of a call's end it is what the checker's caller knows
    of it, such as CLIENT_ERROR.
    """

    at: float
    kind: Kind
    call: int | None = None
    cause: str | None = None


def told(document: Mapping[str, Any]) -> dict[str, list[BreakerEvent]]:
    """The events of each breaker in an answer of `/internal/breakers`; raises KeyError or ValueError for another.

    A breaker is named by service, process and name, for each process has breakers of its own.
    """
    process = f"{document['service']}/{document['pid']}"
    return {
        f"{process}/{known['name']}": [event for entry in known["recent"] for event in _events(entry)]
        for known in document["breakers"]
    }


def _events(entry: Mapping[str, Any]) -> Iterator[BreakerEvent]:
    at, kind, cause = float(entry["at"]), Kind(entry["event"]), entry.get("reason")
    if kind is Kind.CLOSED and cause == PROBE_ANSWERED:  # told as the reason of a change; here it is an event
        yield BreakerEvent(at, Kind.ANSWERED)
    yield BreakerEvent(at, kind, entry.get("call"), cause)
