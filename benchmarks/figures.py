"""What a benchmark measures: figures, each with its spread, against its bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from statistics import median
from typing import Literal

RESAMPLES = 2000
CONFIDENCE = 0.95

RATIO = "x"
"""The unit of a ratio: the only figures that mean the same on another machine."""


class Verdict(StrEnum):
    """How a figure keeps its bound."""

    HOLDS = "holds"
    MISSED = "missed"
    NOISE = "noise"  # the bound lies within the spread: nothing is proven


@dataclass(frozen=True)
class Bound:
    """The most or the least that a figure may be."""

    limit: float
    side: Literal["at least", "at most"]

    def __str__(self) -> str:
        return f"{'≥' if self.side == 'at least' else '≤'} {self.limit:g}"

    def verdict(self, estimate: "Estimate") -> Verdict:
        """Holds or missed where all of the estimate's interval does."""
        low, high, limit = estimate.low, estimate.high, self.limit
        if self.side == "at most":
            low, high, limit = -high, -low, -limit
        return Verdict.HOLDS if low >= limit else Verdict.MISSED if high < limit else Verdict.NOISE


@dataclass(frozen=True)
class Estimate:
    """A median, and the interval in which it lies with a confidence of 95 %."""

    median: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """The median with its bootstrap interval, always the same for the same values; raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    random = Random(len(values))  # noqa: S311 - it has to give the same again, not to be unpredictable
    medians = sorted(median(random.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Estimate(median(values), medians[tail], medians[-1 - tail])


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, a value for each round."""

    name: str
    unit: str
    values: tuple[float, ...]
    better: Literal["higher", "lower"]
    bound: Bound | None = None
    parts: Mapping[str, float] = field(default_factory=dict)  # what it consists of, name with unit: why it is so
    note: str = ""

    @property
    def estimate(self) -> Estimate:
        """What the values tell."""
        return estimate(self.values)

    @property
    def verdict(self) -> Verdict | None:
        """How it keeps its bound; None without one."""
        return self.bound.verdict(self.estimate) if self.bound else None


def ratio(
    name: str,
    of: Sequence[float],
    to: Sequence[float],
    *,
    better: Literal["higher", "lower"],
    bound: Bound | None = None,
    parts: Mapping[str, float] | None = None,
    note: str = "",
) -> Figure:
    """Two things side by side: the quotient in each round, so that what slows both down in one cancels out."""
    quotients = tuple(a / b for a, b in zip(of, to, strict=True))
    return Figure(name, RATIO, quotients, better, bound, parts or {}, note)


def at_least(limit: float) -> Bound:
    """The bound of what must not be lower."""
    return Bound(limit, "at least")


def at_most(limit: float) -> Bound:
    """The bound of what must not be higher."""
    return Bound(limit, "at most")
