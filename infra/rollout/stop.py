"""A signal that asks an engine to stop: it does so after the action at hand, with its state on the disk."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PIECE_S = 0.2  # how soon a wait notices


class Stop:
    """Whether somebody has asked."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, _: FrameType | None) -> None:
        """Take a signal; a second Ctrl-C does not wait for anything."""
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until somebody asks; returns whether somebody has."""
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(PIECE_S, left))
        return self.asked


@contextmanager
def listening() -> Iterator[Stop]:
    """Take SIGINT and SIGTERM as a wish to stop inside the block."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
