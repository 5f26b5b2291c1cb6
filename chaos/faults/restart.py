"""Restart: the program ends in good order and starts again."""

from dataclasses import dataclass
from typing import ClassVar

from chaos.faults.component import EndingFault
from chaos.faults.fault import Saved
from chaos.stack import Stack


@dataclass(frozen=True)
class Restart(EndingFault):
    """Has the supervisor stop the component with its stop signal and start it again."""

    kind: ClassVar[str] = "restart"

    def describe(self) -> str:
        return f"{self.component} restarted"

    def inject(self, stack: Stack, saved: Saved) -> None:
        stack.stop(self.component)
        stack.start(self.component)
