"""Flapping: the dependency goes and comes back, again and again."""

import secrets
import time
from dataclasses import dataclass
from typing import ClassVar

from chaos import helpers
from chaos.faults.edge import EdgeFault
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack


@dataclass(frozen=True)
class Flapping(EdgeFault):
    """Refuses connections for `down_s` seconds, takes them for `up_s`, and so on; begins with down."""

    kind: ClassVar[str] = "flapping"
    down_s: float = 1.0
    up_s: float = 1.0

    def describe(self) -> str:
        return f"{self.edge} down for {self.down_s:g} s, up for {self.up_s:g} s, and so on"

    def prepare(self, stack: Stack) -> Saved:
        enabled = stack.toxiproxy.proxy(stack.edge(self.edge).name).enabled
        return {"token": secrets.token_hex(8), "enabled": enabled}

    def inject(self, stack: Stack, saved: Saved) -> None:
        period = (str(self.down_s), str(self.up_s))
        port = str(stack.toxiproxy.port)
        helpers.start("chaos.helpers.flapper", saved["token"], port, self.edge, *period)

    def verify(self, stack: Stack, saved: Saved) -> None:
        if not helpers.find(saved["token"]):
            raise FaultNotInForceError(f"nothing flaps {self.edge}")
        deadline = time.monotonic() + self.up_s + self.down_s
        while stack.toxiproxy.proxy(self.edge).enabled:
            if time.monotonic() > deadline:
                raise FaultNotInForceError(f"{self.edge} was not down for a whole period")
            time.sleep(0.005)

    def heal(self, stack: Stack, saved: Saved) -> None:
        helpers.end(saved["token"])
        stack.toxiproxy.enable(self.edge, saved["enabled"])
