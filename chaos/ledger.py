"""The ledger: what heals a fault is on the disk before it is injected, and no fault counts before it is read back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import getpid
from pathlib import Path

from chaos import entries, faults
from chaos.entries import Entry
from chaos.faults import Fault
from chaos.process import Process
from chaos.record import Finding, Verdict, Window
from chaos.stack import Stack

LEASE_S = 600.0  # the longest that a fault may last, in case its runner hangs; no experiment comes near it


class Ledger:
    """The faults of one experiment. `clock` says the seconds since it began; may be used by several threads.

    Trouble with healing goes to `clean_up` and is never raised, so that it neither hides a verdict nor is hidden.
    """

    def __init__(self, stack: Stack, clock: Callable[[], float]) -> None:
        self.windows: list[Window] = []
        self.problems: list[str] = []
        self._stack = stack
        self._clock = clock

    @contextmanager
    def injected(self, fault: Fault, *, lease_s: float = LEASE_S) -> Iterator[Window]:
        """Have `fault` in force inside the block, and healed after it, come what may.

        Raises what injecting raises, and FaultNotInForceError where the fault is not to be seen at the beginning or,
        unless the block raised something itself, at the end. After `lease_s` seconds a watchdog heals it anyway.
        """
        path: Path | None = None
        window: Window | None = None
        try:
            with entries.locked(self._stack):
                saved = fault.prepare(self._stack)
                path = entries.write(self._stack, _entry(fault, saved, lease_s))
                fault.inject(self._stack, saved)
                fault.verify(self._stack, saved)
            window = Window(fault.describe(), fault.kind, fault.target, self._clock())
            yield window
            fault.verify(self._stack, saved)
        finally:
            if window is not None:
                self.windows.append(replace(window, ended=self._clock()))
            if path is not None:
                self._heal(fault, path)

    def clean_up(self) -> Finding:
        """Whether every fault of the experiment so far was healed."""
        if self.problems:
            return Finding("clean-up", Verdict.FAILED, "; ".join(self.problems), {"problems": self.problems})
        return Finding("clean-up", Verdict.PASSED, f"{len(self.windows)} faults healed")

    def _heal(self, fault: Fault, path: Path) -> None:
        with entries.locked(self._stack):
            if not path.exists():
                self.problems.append(f"{fault.describe()}: healed by the watchdog, as its lease was over")
            elif problem := entries.heal(self._stack, path):
                self.problems.append(f"{fault.describe()}: not healed: {problem}")


def _entry(fault: Fault, saved: faults.Saved, lease_s: float) -> Entry:
    runner = Process.of(getpid())
    assert runner is not None
    return Entry(faults.to_json(fault), dict(saved), runner, time.time() + lease_s)
