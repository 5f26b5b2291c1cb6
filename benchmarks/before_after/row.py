"""A row of the table that puts the design's own figures beside those that were measured."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Verdict(StrEnum):
    """Whether the design's figure was held."""

    HELD = "held"
    MISSED = "missed"
    UNKNOWN = "unknown"  # what was measured proves nothing
    NOT_MEASURED = "not measured"

    @classmethod
    def of(cls, holds: bool | None) -> Self:
        """Held or missed; unknown for None."""
        return cls(cls.UNKNOWN if holds is None else cls.HELD if holds else cls.MISSED)


@dataclass(frozen=True)
class Row:
    """A figure of the design; `why` says what the verdict rests on, and what is behind it."""

    what: str
    design: str
    before: str
    after: str
    verdict: Verdict
    why: str
