"""What the faults have in common that are toxics on an edge's proxy."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.stack import Stack
from chaos.toxiproxy import Direction, Toxic

Stream = Literal["up", "down", "both"]
"""Which bytes: the consumer's to the dependency, the dependency's to the consumer, or all."""

_DIRECTIONS: dict[Stream, tuple[Direction, ...]] = {
    "up": ("upstream",),
    "down": ("downstream",),
    "both": ("upstream", "downstream"),
}
_WORDS: dict[Stream, str] = {"up": "requests", "down": "answers", "both": "requests and answers"}


@dataclass(frozen=True)
class EdgeFault:
    """A fault on the edge `consumer->dependency`."""

    edge: str

    @property
    def target(self) -> str:
        return self.edge


@dataclass(frozen=True)
class ToxicFault(EdgeFault, ABC):
    """A fault that is one kind of toxic, on `stream`; a subclass says which, and with what attributes."""

    stream: Stream = "down"

    @abstractmethod
    def toxic(self) -> tuple[str, Mapping[str, int]]:
        """The toxic's type and attributes, as Toxiproxy names and counts them."""

    @property
    def where(self) -> str:
        """The end of the description."""
        return f"{_WORDS[self.stream]} of {self.edge}"

    def prepare(self, stack: Stack) -> Saved:
        stack.toxiproxy.proxy(stack.edge(self.edge).name)  # it is there
        return {"token": secrets.token_hex(4)}

    def inject(self, stack: Stack, saved: Saved) -> None:
        for toxic in self._toxics(saved):
            stack.toxiproxy.put_toxic(self.edge, toxic)

    def verify(self, stack: Stack, saved: Saved) -> None:
        proxy = stack.toxiproxy.proxy(self.edge)
        if not proxy.enabled:
            raise FaultNotInForceError(f"{self.edge} refuses connections, so none can meet {self.toxic()[0]}")
        for toxic in self._toxics(saved):
            if (there := proxy.toxic(toxic.name)) != toxic:
                raise FaultNotInForceError(f"{self.edge} should have {toxic} and has {there}")

    def heal(self, stack: Stack, saved: Saved) -> None:
        for toxic in self._toxics(saved):
            stack.toxiproxy.remove_toxic(self.edge, toxic.name)

    def _toxics(self, saved: Saved) -> list[Toxic]:
        type_, attributes = self.toxic()
        return [
            Toxic(f"{type_}-{direction}-{saved['token']}", type_, direction, attributes)
            for direction in _DIRECTIONS[self.stream]
        ]
