"""A process by pid and start time: a pid alone may come to belong to another program."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

GONE = "-"
"""The state of a process that has ended; others are the kernel's letters, such as R, S, and T for stopped."""


@dataclass(frozen=True)
class Process:
    """A process of this machine; `started` counts clock ticks since boot, which no change of the clock alters."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has `pid` now; None where there is none."""
        stat = _stat(pid)
        return None if stat is None else cls(pid, stat[1])

    @property
    def state(self) -> str:
        """The kernel's letter for what it does, GONE once it has ended, whether or not somebody has reaped it."""
        letter, started = _stat(self.pid) or (GONE, 0)
        return letter if started == self.started else GONE

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.state != GONE

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; does nothing once it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive:  # and so the descriptor is of this process, whoever takes its pid from here on
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)

    def family(self) -> "list[Process]":
        """It and its descendants as they are now, itself first; empty once it has ended."""
        try:
            children = psutil.Process(self.pid).children(recursive=True) if self.alive else []
        except psutil.NoSuchProcess:
            return []
        found = (Process.of(child.pid) for child in children)
        return [one for one in (self, *found) if one is not None and one.alive]


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start of a process by proc(5); None where it has ended, also if it still waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    letter, *numbers = text.rpartition(")")[2].split()  # the name before it may hold anything
    return None if letter in "ZX" else (letter, int(numbers[18]))
