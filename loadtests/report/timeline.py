"""What the charts of a load show, worked out before anything is drawn."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Self

from chaos.record import Outcome
from chaos.scorecard.measures import QUANTILES
from infra.pages.text import duration
from loadtests.measure import measure
from loadtests.record import Run
from loadtests.samples import Samples
from loadtests.shapes import Stage, length, spans
from loadtests.usage import Used

MOST_BINS = 150  # more are narrower than what an eye tells apart


@dataclass(frozen=True)
class Lane:
    """A component over time: a value for each bin, the mean and the highest."""

    values: Sequence[float]
    mean: float
    most: float


@dataclass(frozen=True)
class Timeline:
    """A load over time, in bins of `width` seconds; a bin's answers are those to what was meant to start in it."""

    seconds: float
    width: int
    intended: Sequence[float]  # starts a second
    achieved: Sequence[float]
    rates: Mapping[Outcome, Sequence[float]]  # answers a second
    quantiles: Mapping[str, Sequence[float | None]]  # seconds
    stages: Sequence[tuple[Stage, float, float]]
    cores: Mapping[str, Lane]
    memory: Mapping[str, Lane]  # MiB

    @classmethod
    def of(cls, run: Run, samples: Samples, used: Sequence[Used]) -> Self:
        """The run's timeline, to its end, or as far as it went."""
        seconds = max(1.0, min(length(run.stages), samples.until))
        width = max(1, ceil(seconds / MOST_BINS))
        bins = [measure(samples, run.stages, at, at + width) for at in range(0, ceil(seconds), width)]
        happened = [outcome for outcome in Outcome if any(each.whole.outcomes.get(outcome) for each in bins)]
        return cls(
            seconds=seconds,
            width=width,
            intended=[each.intended for each in bins],
            achieved=[each.achieved for each in bins],
            rates={name: [each.whole.outcomes.get(name, 0) / width for each in bins] for name in happened},
            quantiles={name: [each.whole.quantiles.get(name) for each in bins] for name in QUANTILES},
            stages=[span for span in spans(run.stages) if span[1] < seconds],
            cores=_lanes(used, len(bins), width, lambda each: each.cores),
            memory=_lanes(used, len(bins), width, lambda each: each.memory_mb),
        )

    def in_words(self) -> str:
        """What the chart of rate and latency shows, for who cannot see it."""
        peak = max((value for value in self.quantiles["p99"] if value is not None), default=None)
        said = [f"A load of {duration(self.seconds)}, up to {max(self.achieved):.0f} requests a second."]
        said += [f"{sum(rates) * self.width:.0f} answers {outcome}." for outcome, rates in self.rates.items()]
        if peak is not None:
            said.append(f"The highest p99 latency is {duration(peak)}.")
        return " ".join(said)


def _lanes(used: Sequence[Used], bins: int, width: int, value: Callable[[Used], float]) -> Mapping[str, Lane]:
    """A lane for each component, the busiest first."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in used:
        found[each.component][min(bins - 1, int(each.at / width))].append(value(each))
    lanes = {name: _lane(values, bins) for name, values in found.items()}
    return dict(sorted(lanes.items(), key=lambda lane: -lane[1].mean))


def _lane(values: Mapping[int, Sequence[float]], bins: int) -> Lane:
    drawn, last = [], 0.0
    for bin_ in range(bins):
        last = fmean(values[bin_]) if bin_ in values else last
        drawn.append(last)
    everything = [value for each in values.values() for value in each]
    return Lane(drawn, fmean(everything), max(everything))
