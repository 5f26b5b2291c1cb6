"""What every checker is wrapped in: one that breaks, or has nothing to go by, knows nothing; it never passes."""

import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from chaos.record import Finding, Verdict

P = ParamSpec("P")


class NoEvidenceError(Exception):
    """There is too little to judge by; the message says what is missing."""


def safely(check: str) -> Callable[[Callable[P, Finding]], Callable[P, Finding]]:
    """Make a checker of the check of that name give an unknown where it would raise."""

    def wrapped(checker: Callable[P, Finding]) -> Callable[P, Finding]:
        @wraps(checker)
        def checked(*args: P.args, **kwargs: P.kwargs) -> Finding:
            try:
                return checker(*args, **kwargs)
            except NoEvidenceError as error:
                return Finding(check, Verdict.UNKNOWN, str(error))
            except Exception as error:  # noqa: BLE001 - whatever broke it, the check has not been made
                return Finding(check, Verdict.UNKNOWN, traceback.format_exception_only(error)[-1].strip())

        return checked

    return wrapped


def enough(number: int, least: int, what: str) -> None:
    """Raise NoEvidenceError where there are fewer than `least`."""
    if number < least:
        raise NoEvidenceError(f"{number} {what}, and {least} are needed")
