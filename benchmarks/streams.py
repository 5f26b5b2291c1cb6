"""Labelled streams of what a rollout measures, made second by second from a seed: the right decision is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import erf, inf, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from infra.rollout.limits import LIMITS, RECENT_LOOKS
from infra.rollout.measurements import Measurements, Routing, Traffic, Trips
from services.common.middleware.metrics import BUCKETS

WINDOW_S = 60  # a step's bake
INTERVAL_S = 5  # between two looks
RECENT_S = INTERVAL_S * RECENT_LOOKS
SECONDS = 2 * WINDOW_S  # it may be extended once
LUCK = 4  # standard deviations by which chance may be against a clear label
FLAP_S = 7  # bad for so long, then good: no multiple of the interval

OFTEN, SELDOM = (20.0, 100.0), (0.02, 0.15)  # requests a second

Random = np.random.Generator
Course = NDArray[np.float64]  # a value for each second
Between = Callable[[int, int], Measurements]  # what was measured between two seconds


class Label(StrEnum):
    """What a stream is, and so what is to become of it."""

    BAD = "bad"  # at twice the bound or more, with the traffic that it takes to tell
    HEALTHY = "healthy"
    BOUNDARY = "boundary"  # within a tenth of the bound
    LOW_TRAFFIC = "low traffic"  # good or bad, but nobody can know
    NO_DATA = "no data"
    FLAPPING = "flapping"  # bad half of the time, on average at twice the bound or more
    LATE = "late"  # bad from the second half of the step on, with the traffic that it takes to tell within two looks
    OUTAGE = "outage"  # healthy, while for some seconds what both releases depend on is not


@dataclass(frozen=True)
class Stream:
    """One step of a rollout as one trigger sees it."""

    trigger: str
    label: Label
    seed: int

    def looks(self) -> Iterator[tuple[Measurements, Measurements]]:
        """What was measured until each look: since the step's begin, and recently."""
        random = np.random.default_rng([self.seed, *f"{self.trigger} {self.label}".encode()])
        between = _MAKERS[self.trigger](random, self.label)
        for now in range(INTERVAL_S, SECONDS + 1, INTERVAL_S):
            yield between(0, now), between(max(0, now - RECENT_S), now)


def _errors(random: Random, label: Label) -> Between:
    share = _course(random, label, LIMITS.error_share)
    rate = _rate(random, label, share, LIMITS.error_share)
    away = _outage(random, label)
    requests, errors = _events(random, rate, np.maximum(share, away))
    usual, few = _events(random, rate * random.uniform(1, 9), np.maximum(random.uniform(0, 0.02), away))

    def between(begin: int, end: int) -> Measurements:
        stable = Traffic(usual[end] - usual[begin], few[end] - few[begin], {})
        candidate = Traffic(requests[end] - requests[begin], errors[end] - errors[begin], {})
        return Measurements(end - begin, stable, None if label is Label.NO_DATA else candidate)

    return between


def _latencies(random: Random, label: Label) -> Between:
    slower = _course(random, label, LIMITS.latency_factor, healthy=(0.4, 0.6), bad=(2, 4))
    rate = random.uniform(*SELDOM) if label is Label.LOW_TRAFFIC else random.uniform(*OFTEN)
    median, spread = random.uniform(0.005, 0.1), random.uniform(0.3, 0.8)
    usual = median * (1 + 9 * _outage(random, label))
    candidate = _histogram(random, rate, usual * slower, spread)
    stable = _histogram(random, rate * random.uniform(1, 9), usual, spread)

    def between(begin: int, end: int) -> Measurements:
        usually, now = (_traffic(counts[end] - counts[begin]) for counts in (stable, candidate))
        return Measurements(end - begin, None if label is Label.NO_DATA else usually, now)

    return between


def _trips(random: Random, label: Label) -> Between:
    share = _course(random, label, LIMITS.false_share)
    rate = _rate(random, label, share, LIMITS.false_share, seldom=0.005)
    if label is Label.HEALTHY and random.random() < 0.5:
        rate = 0.0  # most have no trip at all
    trips, false = _events(random, rate, share)
    calls, _ = _events(random, 0.3 if label is Label.LOW_TRAFFIC else random.uniform(10, 100), share)

    def between(begin: int, end: int) -> Measurements:
        seen = Trips(calls[end] - calls[begin], trips[end] - trips[begin], false[end] - false[begin])
        return Measurements(end - begin, trips=None if label is Label.NO_DATA else seen)

    return between


def _routes(random: Random, label: Label) -> Between:
    weight, bound = float(random.choice([0.1, 0.5])), LIMITS.misrouted_share
    astray, off = _course(random, label, bound), _flat(0.0)
    rate = max(_rate(random, label, astray, bound), 0 if label is Label.LOW_TRAFFIC else 20)
    if label in {Label.BAD, Label.BOUNDARY} and random.random() < 0.5:
        tolerance = LIMITS.weight_tolerance * min(weight, 1 - weight)
        astray, off = _flat(0.0), _course(random, label, tolerance, bad=(2, 2)) * random.choice([-1, 1])
    probes, lost = _events(random, rate, astray)
    answered = np.diff(probes) - np.diff(lost)
    ours = _from_the_begin(random.binomial(answered, np.clip(weight + off, 0, 1))).tolist()

    def between(begin: int, end: int) -> Measurements:
        sent, astray, by_candidate = (counts[end] - counts[begin] for counts in (probes, lost, ours))
        seen = Routing(sent, astray, 0, by_candidate, weight)
        return Measurements(end - begin, routing=None if label is Label.NO_DATA else seen)

    return between


_MAKERS: dict[str, Callable[[Random, Label], Between]] = {
    "error-rate": _errors,
    "latency": _latencies,
    "false-trips": _trips,
    "routing": _routes,
}

STREAMED = tuple(_MAKERS)
"""The triggers that judge numbers, and so can be wrong by chance."""


def _flat(value: float) -> Course:
    return np.full(SECONDS, value)


def _course(
    random: Random,
    label: Label,
    bound: float,
    *,
    healthy: tuple[float, float] = (0, 0.4),
    bad: tuple[float, float] = (2, 10),
) -> Course:
    """A value for each second; the spans are in multiples of the bound."""
    good, ill = (bound * random.uniform(*span) for span in (healthy, bad))
    match label:
        case Label.BAD:
            return _flat(ill)
        case Label.BOUNDARY:
            return _flat(bound * random.uniform(0.9, 1.1))
        case Label.LATE:
            return np.where(np.arange(SECONDS) < random.uniform(WINDOW_S / 2, WINDOW_S - RECENT_S), good, ill)
        case Label.FLAPPING:
            phase = (np.arange(SECONDS) + random.integers(FLAP_S)) // FLAP_S % 2
            return np.where(phase, 2 * ill, good)
        case Label.LOW_TRAFFIC:
            return _flat(random.choice([good, ill]))
        case _:
            return _flat(good)


def _outage(random: Random, label: Label) -> Course:
    """How bad a dependency is that both releases have, 0 to 1: for a few seconds, and in an outage alone."""
    seconds, begin = np.arange(SECONDS), random.uniform(0, WINDOW_S - INTERVAL_S)
    lasts = (begin <= seconds) & (seconds < begin + random.uniform(3, 20))
    return np.where(lasts & (label is Label.OUTAGE), random.uniform(0.5, 1), 0.0)


def _rate(random: Random, label: Label, share: Course, bound: float, *, seldom: float = SELDOM[1]) -> float:
    """How many there are a second: with a clear label at least as many as it takes to tell within the window."""
    if label is Label.LOW_TRAFFIC:
        return random.uniform(seldom / 5, seldom)
    mean, within_s = min(1.0, float(share.mean())), float(WINDOW_S)
    if label is Label.LATE:
        mean, within_s = min(1.0, float(share.max())), RECENT_S
    if label in {Label.BOUNDARY, Label.NO_DATA}:
        return random.uniform(*OFTEN)
    confidence = LIMITS.undo_confidence if mean > bound else LIMITS.go_on_confidence
    sure = NormalDist().inv_cdf(confidence) * sqrt(bound * (1 - bound)) + LUCK * sqrt(mean * (1 - mean))
    return max(1.0, (sure / (mean - bound)) ** 2 / within_s) * random.uniform(1, 3)


def _events(random: Random, rate: float, share: Course) -> tuple[list[int], list[int]]:
    """How many there were, and how many of them bad ones, from the begin until each second."""
    each = random.poisson(rate, SECONDS)
    bad = random.binomial(each, np.minimum(share, 1))
    return _from_the_begin(each).tolist(), _from_the_begin(bad).tolist()


def _histogram(random: Random, rate: float, medians: Course, spread: float) -> NDArray[np.int64]:
    """Log-normal times in the services' buckets, from the begin until each second."""
    below = np.array([[_normal(log(edge / median) / spread) for edge in BUCKETS] for median in medians])
    parts = np.diff(below, prepend=0, append=1, axis=1)
    return _from_the_begin(random.multinomial(random.poisson(rate, SECONDS), parts))


def _traffic(counts: NDArray[np.int64]) -> Traffic:
    return Traffic(int(counts.sum()), 0, dict(zip((*BUCKETS, inf), counts.tolist(), strict=True)))


def _normal(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2


def _from_the_begin(each: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(np.concatenate([np.zeros_like(each[:1]), each]), axis=0)
