"""Whether a figure has changed between two runs, beyond what the same code does on the same machine."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import RATIO, Figure
from benchmarks.results import Result

LEAST = 0.05  # a smaller change of a median is no news, however narrow the intervals


@dataclass(frozen=True)
class Change:
    """A figure then and now."""

    benchmark: str
    before: Figure
    after: Figure

    @property
    def share(self) -> float:
        """By how much the median has changed: 0.1 is ten percent more."""
        return self.after.estimate.median / self.before.estimate.median - 1 if self.before.estimate.median else 0.0

    @property
    def word(self) -> str:
        """Same, better or worse: a change counts where the two intervals have nothing in common."""
        before, after = self.before.estimate, self.after.estimate
        if abs(self.share) < LEAST or (before.low <= after.high and after.low <= before.high):
            return "same"
        return "better" if (self.share > 0) == (self.after.better == "higher") else "worse"


def change(benchmark: str, after: Figure, before: Result, machine: dict[str, str]) -> Change | None:
    """How the figure has changed since; None where it was not measured, or on another machine and is no ratio."""
    for figure in before.figures.get(benchmark, ()):
        if figure.name == after.name and (figure.unit == RATIO or before.machine == machine):
            return Change(benchmark, figure, after)
    return None


def changes(before: Result, after: Result) -> Iterator[Change]:
    """Every figure that both runs have and that can be compared."""
    for benchmark, figures in after.figures.items():
        for figure in figures:
            if found := change(benchmark, figure, before, after.machine):
                yield found
