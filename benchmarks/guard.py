"""The regression guard: ratios of today's code against those that were committed, and how much they scatter.

Only ratios are kept: an absolute figure means nothing on the machine of a CI. How much a run differs from the next one
of the same code is not guessed but measured: a baseline is made of many runs, and so is what is held to it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, stdev
from typing import Literal

from pydantic import TypeAdapter
from rich.console import Console

from benchmarks.figures import RATIO, Figure

BASELINE = Path(__file__).with_name("baseline.json")
RUNS = 3
BASELINE_RUNS = 7
DEVIATIONS = 3.0  # of the noise; a run of the same code is as far out once in some hundred times
LEAST = 0.03  # of the baseline: no machine repeats itself better, whatever a few runs seem to say

REBASE = """\
If this is what the change costs and is worth it, or the machine is another one: `python -m benchmarks baseline` on a
quiet machine measures a new baseline; commit benchmarks/baseline.json and say why.
"""

Ratios = dict[str, "Ratio"]
"""By benchmark and figure."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of one run."""

    value: float
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Normal:
    """What a ratio was, again and again."""

    median: float
    deviation: float  # of one run from the next, as a standard deviation
    better: Literal["higher", "lower"]


_BASELINE = TypeAdapter(dict[str, Normal])


@dataclass(frozen=True)
class Judged:
    """A ratio of today against the baseline."""

    name: str
    was: Normal
    now: float
    noise: float  # how far apart two measurements of the same code may be

    @property
    def worse_by(self) -> float:
        """How much worse it is, in units of the ratio; negative where it is better."""
        return self.was.median - self.now if self.was.better == "higher" else self.now - self.was.median

    @property
    def word(self) -> str:
        """Worse or better beyond the noise, or the same."""
        return "worse" if self.worse_by > self.noise else "better" if -self.worse_by > self.noise else "same"


def read(path: Path | None = None) -> dict[str, Normal]:
    """The baseline that is committed."""
    return _BASELINE.validate_json((path or BASELINE).read_bytes())


def ratios(benchmark: str, figures: Iterable[Figure]) -> Ratios:
    """Those of one run."""
    return {
        f"{benchmark}: {figure.name}": Ratio(figure.estimate.median, figure.better)
        for figure in figures
        if figure.unit == RATIO
    }


def baseline(runs: Sequence[Ratios]) -> dict[str, Normal]:
    """What the runs, at least two, say is normal."""
    return {
        name: Normal(median(values), stdev(values), runs[0][name].better) for name, values in _by_name(runs).items()
    }


def judge(known: Mapping[str, Normal], runs: Sequence[Ratios]) -> list[Judged]:
    """Each ratio of the baseline against today's runs, at least two; raises KeyError for one that was not measured."""
    values = _by_name(runs)
    return [Judged(name, was, median(values[name]), _noise(was, values[name])) for name, was in known.items()]


def _noise(was: Normal, now: Sequence[float]) -> float:
    """The scatter of the two medians' difference: of a single run then or now, whichever is greater.

    The few runs of today share the machine's mood, so their median scatters hardly less than one of them.
    """
    deviation = max(was.deviation, stdev(now)) * math.sqrt(1 + 1 / len(now))
    return max(DEVIATIONS * deviation, LEAST * was.median)


def _by_name(runs: Sequence[Ratios]) -> dict[str, list[float]]:
    return {name: [run[name].value for run in runs] for name in runs[0]}


def check(console: Console, runs: Sequence[Ratios], path: Path | None = None) -> int:
    """Print how today's runs compare with the baseline; returns 1 where one is worse beyond noise."""
    judged = judge(read(path), runs)
    for one in judged:
        colour = {"worse": "red", "better": "green"}.get(one.word, "dim")
        was, now, noise = (f"{value:.3f}" for value in (one.was.median, one.now, one.noise))
        console.print(
            f"[{colour}]{one.word:6}[/] {one.name}: {was} → {now}, noise ±{noise}, {one.was.better} is better"
        )
    if any(one.word == "worse" for one in judged):
        console.print(REBASE, end="")
        return 1
    return 0


def rewrite(console: Console, runs: Sequence[Ratios], path: Path | None = None) -> int:
    """Make the runs the baseline."""
    path, known = path or BASELINE, baseline(runs)
    path.write_bytes(_BASELINE.dump_json(known, indent=2) + b"\n")
    for name, normal in known.items():
        console.print(f"{name}: {normal.median:.3f} ± {normal.deviation:.3f}")
    console.print(f"{path} holds the ratios of {len(runs)} runs", soft_wrap=True)
    return 0
