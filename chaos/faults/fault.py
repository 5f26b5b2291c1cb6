"""What a fault is: something that is done to one target, can be seen to be in force, and can be undone."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from chaos.stack import Stack

Saved = Mapping[str, Any]
"""JSON: what healing needs to know of the time before the fault."""


class FaultNotInForceError(RuntimeError):
    """The fault was injected and is not to be seen; the message says what is there instead."""


class Fault(Protocol):
    """A frozen dataclass whose fields are JSON, so that a process that knows nothing but them can heal it."""

    kind: ClassVar[str]

    @property
    def target(self) -> str:
        """The edge or component that it is done to."""

    def describe(self) -> str:
        """What it does to what, in a few words with figures and units."""

    def prepare(self, stack: Stack) -> Saved:
        """What healing will need; nothing is changed yet."""

    def inject(self, stack: Stack, saved: Saved) -> None:
        """Do it."""

    def verify(self, stack: Stack, saved: Saved) -> None:
        """Raise FaultNotInForceError unless it can be read back as being in force."""

    def heal(self, stack: Stack, saved: Saved) -> None:
        """Undo it: once or again, from any process, after a whole injection, half of one, or none."""
