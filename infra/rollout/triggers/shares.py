"""A share that was counted against its bound: what error rate, latency, false trips and routing have in common."""

import math
from dataclasses import dataclass
from typing import Protocol

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import Limits
from infra.rollout.measurements import Measurements
from infra.rollout.statistics import enough, lower, upper


class Trigger(Protocol):
    """A pure function of what was measured."""

    def __call__(self, measured: Measurements, limits: Limits, /) -> Judgement: ...


@dataclass(frozen=True)
class Counted:
    """How many are bad, of how many; `most` where a histogram leaves it open."""

    bad: float
    of: float
    most: float | None = None

    @property
    def share(self) -> float:
        """Of those that are bad; 0 of none."""
        return self.bad / self.of if self.of else 0.0

    @property
    def most_share(self) -> float:
        """Of those that may be bad."""
        return (self.bad if self.most is None else self.most) / self.of if self.of else 0.0


def verdict(counted: Counted, bound: float, limits: Limits) -> Verdict:
    """Unhealthy where the share is surely over the bound, healthy where it is surely below."""
    if lower(counted.bad, counted.of, limits.undo_confidence) > bound:
        return Verdict.UNHEALTHY
    return (
        Verdict.HEALTHY
        if upper(counted.most_share * counted.of, counted.of, limits.go_on_confidence) < bound
        else Verdict.INCONCLUSIVE
    )


def lacking(counted: Counted, bound: float, limits: Limits) -> str:
    """How many more would settle it, if the share stays what it is."""
    share, confidence = counted.share, limits.undo_confidence
    if share <= bound:
        share, confidence = min(counted.most_share, bound), limits.go_on_confidence
    more = enough(share, bound, confidence) - counted.of
    if more > 100 * counted.of:
        return "too near the bound for any number to tell"
    return f"about {max(1, math.ceil(more))} more would tell"


def judged(trigger: str, counted: Counted, bound: float, limits: Limits, said: str) -> Judgement:
    """The verdict on a share, with how many more it takes where there is none."""
    found = verdict(counted, bound, limits)
    if found is Verdict.INCONCLUSIVE:
        said += f": {lacking(counted, bound, limits)}"
    return Judgement(trigger, found, counted.share, bound, said)


def unknown(trigger: str, bound: float, missing: str) -> Judgement:
    """No verdict, for what is missing."""
    return Judgement(trigger, Verdict.INCONCLUSIVE, None, bound, missing)


def few(trigger: str, bound: float, of: str, there_are: int, least: int) -> Judgement:
    """No verdict, for there are fewer than the least that says anything."""
    return unknown(trigger, bound, f"{there_are} {of}, and it takes {least}")
