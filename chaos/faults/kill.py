"""Kill: the program is gone without a last word."""

import signal
import time
from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.component import EndingFault, hit_process
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import DOWN, Stack

DEATH_S = 2.0  # seconds for the kernel to end a killed process; it takes milliseconds


@dataclass(frozen=True)
class Kill(EndingFault):
    """Kills the program (SIGKILL). The supervisor starts it again at once, unless it `stays_down` until healed."""

    kind: ClassVar[str] = "kill"
    stays_down: bool = False

    def describe(self) -> str:
        return f"{self.component} killed" + (" and kept down" if self.stays_down else "")

    def inject(self, stack: Stack, saved: Saved) -> None:
        hit = hit_process(saved)
        if self.stays_down:
            # The supervisor must know before the death, or it starts another; the program must not.
            hit.send(signal.SIGSTOP)
            stack.ask_to_stop(self.component)
        hit.send(signal.SIGKILL)
        deadline = time.monotonic() + DEATH_S
        while hit.alive and time.monotonic() < deadline:
            time.sleep(0.005)
        if self.stays_down:
            stack.stop(self.component)

    def verify(self, stack: Stack, saved: Saved) -> None:
        super().verify(stack, saved)
        if self.stays_down and (state := stack.state(self.component)) not in DOWN:
            raise FaultNotInForceError(f"the supervisor calls {self.component} {state}")

    def heal(self, stack: Stack, saved: Saved) -> None:
        hit_process(saved).send(signal.SIGCONT)  # whoever injected it may have died before the kill
        super().heal(stack, saved)
