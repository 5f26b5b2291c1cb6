"""How the load's rate goes over time: stages in a row, and the times at which their requests are meant to start."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
    """A stretch of time in which the rate goes evenly from `begin` to `end`, both requests a second."""

    name: str
    seconds: float
    begin: float
    end: float
    judged: bool = True  # a warm-up, or the way up to a step, is not

    @property
    def requests(self) -> float:
        """How many starts are meant in it."""
        return (self.begin + self.end) / 2 * self.seconds

    def rate(self, at: float) -> float:
        """The intended rate `at` seconds after its beginning."""
        return self.begin + (self.end - self.begin) * at / self.seconds

    def when(self, count: float) -> float:
        """The seconds from its beginning after which `count` of its starts are due."""
        slope = (self.end - self.begin) / self.seconds
        # Of the two forms of the quadratic's root, this one also holds for a constant rate.
        return 2 * count / (self.begin + math.sqrt(max(0.0, self.begin**2 + 2 * slope * count)))


@dataclass(frozen=True)
class Shape:
    """A load by its name; `stages` takes the rate that it is asked for."""

    name: str
    title: str
    rate: float  # unless another one is asked for
    stages: Callable[[float], Sequence[Stage]]
    mix: str = "reads"
    knee: bool = False  # judged by its highest step that holds, not by each

    def built(self, rate: float | None = None, seconds: float | None = None) -> tuple[Stage, ...]:
        """Its stages for a rate, stretched or shrunk to last `seconds`; raises ValueError where one is not positive."""
        stages = tuple(self.stages(self.rate if rate is None else _positive("rate", rate)))
        if seconds is None:
            return stages
        stretch = _positive("time", seconds) / length(stages)
        return tuple(replace(stage, seconds=stage.seconds * stretch) for stage in stages)


def _positive(what: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"a {what} of {value:g} is none")
    return value


def length(stages: Sequence[Stage]) -> float:
    """The seconds that the stages take."""
    return sum(stage.seconds for stage in stages)


def spans(stages: Sequence[Stage]) -> Iterator[tuple[Stage, float, float]]:
    """Each stage with the seconds at which it begins and ends."""
    at = 0.0
    for stage in stages:
        yield stage, at, at + stage.seconds
        at += stage.seconds


def starts(stages: Sequence[Stage]) -> Iterator[float]:
    """The time of every start, in order: as many as the rates make, evenly."""
    number, before = 0, 0.0
    for stage, begin, _ in spans(stages):
        while number < before + stage.requests - 1e-9:
            yield begin + stage.when(number - before)
            number += 1
        before += stage.requests


def due(stages: Sequence[Stage], begin: float, end: float) -> float:
    """How many starts are meant between two times."""
    total = 0.0
    for stage, first, last in spans(stages):
        low, high = max(begin, first), min(end, last)
        if low < high:
            total += (stage.rate(low - first) + stage.rate(high - first)) / 2 * (high - low)
    return total


def _smoke(rate: float) -> list[Stage]:
    return [Stage("smoke", 15, rate, rate)]


def _guard(rate: float) -> list[Stage]:
    return [Stage("warm-up", 3, rate / 4, rate, judged=False), Stage("guard", 12, rate, rate)]


def _ramp(rate: float) -> list[Stage]:
    return [Stage("ramp", 60, rate / 100, rate), Stage("top", 30, rate, rate)]


def _sustained(rate: float) -> list[Stage]:
    return [Stage("warm-up", 15, rate / 10, rate, judged=False), Stage("sustained", 300, rate, rate)]


def _spike(rate: float) -> list[Stage]:
    low = rate / 5
    return [
        Stage("before", 30, low, low),
        Stage("up", 1, low, rate, judged=False),
        Stage("spike", 20, rate, rate),
        Stage("down", 1, rate, low, judged=False),
        Stage("settling", 5, low, low, judged=False),
        Stage("after", 30, low, low),
    ]


def _soak(rate: float) -> list[Stage]:
    return [Stage("warm-up", 30, rate / 10, rate, judged=False), Stage("soak", 3600, rate, rate)]


STEP = 0.2  # of the rate: what each step to the knee adds
STEPS = 25  # the last is five times the rate


def _knee(rate: float) -> list[Stage]:
    stages, before = [], rate * STEP / 2
    for number in range(1, STEPS + 1):
        step = rate * STEP * number
        stages += [Stage(f"to {step:g}", 2, before, step, judged=False), Stage(f"{step:g}", 10, step, step)]
        before = step
    return stages


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("smoke", "every operation in equal shares, slowly: does it work at all?", 10, _smoke, mix="even"),
        Shape("guard", "15 seconds at a fifth of the promised rate, for a CI", 200, _guard),
        Shape("ramp", "evenly up to the rate within a minute, then half a minute of it", 1000, _ramp),
        Shape("sustained", "the rate for five minutes: the promise itself", 1000, _sustained),
        Shape("spike", "a fifth of the rate, all of it within a second, and back: does it recover?", 1000, _spike),
        Shape("soak", "half the promised rate for an hour: does anything grow?", 500, _soak),
        Shape("knee", "up in steps of a fifth of the rate until a step no longer holds", 1000, _knee, knee=True),
    )
}
"""Every shape by its name."""
