"""A request's budget of time: given at the gateway, spent by every hop, call and wait behind it."""

import time
from contextvars import ContextVar

from services.common.breaker import NeutralError

HEADER = "X-Request-Deadline"
"""Milliseconds that are left. A duration, as gRPC's timeout is: the machines' clocks need not agree."""
HANDED_ON = 0.95  # so that the other side's own answer, a stale one or its 503, still arrives

_end: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceededError(NeutralError):
    """The request's time is over. What was asked may be well; so it counts for no breaker."""


def start(seconds: float | None) -> None:
    """Give the current request, and the tasks it will start, so many seconds; None: no limit."""
    _end.set(None if seconds is None else time.monotonic() + seconds)


def left() -> float | None:
    """Seconds left, below zero when the time is over; None without a limit."""
    end = _end.get()
    return None if end is None else end - time.monotonic()


def over() -> bool:
    """Whether the request's time is over."""
    remaining = left()
    return remaining is not None and remaining <= 0


def within(seconds: float) -> float:
    """The shorter of `seconds` and what is left; raises DeadlineExceededError when nothing is."""
    remaining = left()
    if remaining is None:
        return seconds
    if remaining <= 0:
        raise DeadlineExceededError("the request's time is over")
    return min(seconds, remaining)


def headers(limit_s: float | None) -> dict[str, str]:
    """The header for a call that is given up after `limit_s`: it leaves the other side a little less than we wait.

    Raises DeadlineExceededError when nothing is left.
    """
    remaining = left() if limit_s is None else within(limit_s)
    if remaining is None:
        return {}
    if remaining <= 0:
        raise DeadlineExceededError("the request's time is over")
    return {HEADER: str(max(1, int(remaining * HANDED_ON * 1000)))}
