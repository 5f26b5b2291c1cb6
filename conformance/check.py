"""What a check is: a name that says what holds, and a function that raises where it does not."""

from collections.abc import Callable
from dataclasses import dataclass


class NonconformingError(Exception):
    """The stack does not do what it has to; the message says what was expected and what came."""


class NotApplicableError(Exception):
    """The check says nothing about this stack; the message says why."""


class ConformanceError(RuntimeError):
    """The checks cannot be made or not be gone on with; the message says what to do."""


@dataclass(frozen=True)
class Check:
    """One thing that has to hold; `act` raises one of the errors above where it does not, or cannot be told."""

    name: str
    act: Callable[[], None]


def expect(condition: object, otherwise: str) -> None:
    """Raise NonconformingError with the words `otherwise` unless the condition holds."""
    if not condition:
        raise NonconformingError(otherwise)
