"""Garbage: the dependency answers, and what it says makes no sense."""

import secrets
import socket
from dataclasses import dataclass
from typing import ClassVar, Literal

from chaos import helpers
from chaos.faults.edge import EdgeFault
from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.helpers.babbler import ANSWERS
from chaos.stack import Stack
from chaos.toxiproxy import HOST

TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Garbage(EdgeFault):
    """Has the edge lead to a server of the harness, which answers `bytes` of no protocol, or an HTTP `page`.

    Connections that are open end, as the proxy is pointed elsewhere.
    """

    kind: ClassVar[str] = "garbage"
    answer: Literal["bytes", "page"] = "bytes"

    def describe(self) -> str:
        what = {"bytes": "bytes of no protocol", "page": "a web page"}[self.answer]
        return f"{what} for an answer on {self.edge}"

    def prepare(self, stack: Stack) -> Saved:
        upstream = stack.toxiproxy.proxy(stack.edge(self.edge).name).upstream
        return {"token": secrets.token_hex(8), "upstream": upstream}

    def inject(self, stack: Stack, saved: Saved) -> None:
        port = helpers.start("chaos.helpers.babbler", saved["token"], self.answer)
        stack.toxiproxy.point(self.edge, f"{HOST}:{port}")

    def verify(self, stack: Stack, saved: Saved) -> None:
        answer = _ask(stack.edge(self.edge).listen)
        if answer != ANSWERS[self.answer]:
            raise FaultNotInForceError(f"{self.edge} answers {answer[:40]!r}")

    def heal(self, stack: Stack, saved: Saved) -> None:
        stack.toxiproxy.point(self.edge, saved["upstream"])
        helpers.end(saved["token"])


def _ask(port: int) -> bytes:
    """All that comes back for a line that begins no known protocol; empty where the connection fails."""
    answer = b""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
            connection.sendall(b"?\r\n\r\n")
            while piece := connection.recv(4096):
                answer += piece
    except OSError:
        pass
    return answer
