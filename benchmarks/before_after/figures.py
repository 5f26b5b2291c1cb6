"""What follows from the records: latencies, the share of requests that were answered, how well the load kept pace."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.before_after.record import Answer, Found, Slot, Trips
from chaos.record import Outcome
from chaos.scorecard.measures import QUANTILES, quantile

ANSWERED = frozenset({Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED})
"""What counts as available: the design has a stale answer, marked as such, stand in for a live one."""

LATE_S = 0.1  # a start later than this has disturbed the load's rhythm
ON_TIME = 0.95  # the least share of starts on time with which a load proves anything


@dataclass(frozen=True)
class Latency:
    """How long callers waited, in ms, whatever they got."""

    p50: float
    p95: float
    p99: float


def latency(answers: Iterable[Answer]) -> Latency | None:
    """The nearest-rank quantiles; None without requests."""
    waited = sorted(1000 * answer.seconds for answer in answers)
    return Latency(*(quantile(waited, share) for share in QUANTILES.values())) if waited else None


def mean_ms(answers: Sequence[Answer]) -> float:
    """How long callers waited on average, in ms; NaN without requests."""
    return 1000 * fmean(one.seconds for one in answers) if answers else math.nan


def of(answers: Iterable[Answer], operation: str, *outcomes: Outcome) -> list[Answer]:
    """Those of one kind, and of these outcomes if any are named."""
    return [one for one in answers if one.operation == operation and (not outcomes or one.outcome in outcomes)]


def answered(answers: Sequence[Answer]) -> float:
    """The share of requests, 0 to 1, that got an answer; NaN without requests."""
    return sum(one.outcome in ANSWERED for one in answers) / len(answers) if answers else math.nan


def failed(answers: Sequence[Answer]) -> float:
    """The share that got none."""
    return sum(one.outcome not in ANSWERED for one in answers) / len(answers) if answers else math.nan


def in_slot(answers: Iterable[Answer], slot: Slot) -> list[Answer]:
    """Those that were meant to start during the fault or in the rest after it, which is its aftermath."""
    return [one for one in answers if slot.begin <= one.at < slot.end]


def hitting(answers: Sequence[Answer], slots: Iterable[Slot], hits: str) -> list[Answer]:
    """Those in the slots whose fault hits that part of the stack."""
    return [one for slot in slots if slot.hits == hits for one in in_slot(answers, slot)]


def failures_left(before: Sequence[Answer], after: Sequence[Answer]) -> float:
    """How many failures there are after, to one before; NaN where there was none before."""
    return failed(after) / share if (share := failed(before)) else math.nan


def on_time(answers: Sequence[Answer]) -> float:
    """The share of requests that the generator began when they were meant to begin; NaN without requests."""
    return sum(one.late <= LATE_S for one in answers) / len(answers) if answers else math.nan


def outcomes(answers: Iterable[Answer]) -> Counter[Outcome]:
    """How many there are of each outcome."""
    return Counter(one.outcome for one in answers)


def contradictions(settings: Mapping[str, Any], found: Found) -> list[str]:
    """What a stack did that its settings rule out, each in a line: then it was not the stack that it should be."""
    all_answers = [*found.alone, *found.loaded, *found.faulted]
    kept = any(one.outcome in {Outcome.CACHED, Outcome.DEGRADED} for one in all_answers)
    opened = sum(one.all for one in found.trips if one is not None)
    said = {
        "the cache is off, and something was answered from it": not settings["cache"] and kept,
        "the cache is on, and nothing was answered from it": settings["cache"]
        and not outcomes(found.alone)[Outcome.CACHED],
        "breakers are forced closed, and some opened": settings["breakersForcedClosed"] and opened > 0,
    }
    return [line for line, holds in said.items() if holds]


def trips(found: Found) -> Trips | None:
    """Those of all slots; None where in one of them they could not be read."""
    seen = [one for one in found.trips if one is not None]
    if not seen or len(seen) < len(found.trips):
        return None
    return Trips(sum(one.all for one in seen), sum(one.false for one in seen))
