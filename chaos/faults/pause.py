"""Pause: the program hangs. The kernel still accepts connections for it, and nobody answers."""

import signal
import time
from dataclasses import asdict, dataclass
from typing import ClassVar

from chaos.faults.component import ComponentFault
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.process import Process
from chaos.stack import Stack

STOP_S = 2.0  # seconds for the kernel to stop every process; it takes milliseconds
HALTED = "T"


@dataclass(frozen=True)
class Pause(ComponentFault):
    """Stops the program with all its processes (SIGSTOP); healing continues them (SIGCONT)."""

    kind: ClassVar[str] = "pause"

    def describe(self) -> str:
        return f"{self.component} paused"

    def prepare(self, stack: Stack) -> Saved:
        return {"processes": [asdict(one) for one in self.process(stack).family()]}

    def inject(self, stack: Stack, saved: Saved) -> None:
        deadline = time.monotonic() + STOP_S
        # Parents before children, and again: one that was not yet stopped may have started another.
        while (running := _running(saved)) and time.monotonic() < deadline:
            for one in running:
                one.send(signal.SIGSTOP)
            time.sleep(0.005)

    def verify(self, stack: Stack, saved: Saved) -> None:
        family = _family(saved)
        if not family or stack.process(self.component) != family[0]:
            raise FaultNotInForceError(f"{self.component} ended, or runs as another process than the paused one")
        if running := _running(saved):
            raise FaultNotInForceError(f"of {self.component} {[one.pid for one in running]} run")

    def heal(self, stack: Stack, saved: Saved) -> None:
        for one in _family(saved):
            one.send(signal.SIGCONT)


def _family(saved: Saved) -> list[Process]:
    """The saved processes and all their descendants now, those that live, parents before children."""
    return list(dict.fromkeys(one for known in saved["processes"] for one in Process(**known).family()))


def _running(saved: Saved) -> list[Process]:
    return [one for one in _family(saved) if one.state != HALTED]
