"""Waiting for a condition, with a deadline that fails only what would never come true."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0  # no promise of anybody: a crowded host takes its time


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Return once the condition holds; fails the test, saying `what` was waited for, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
