"""Metrics at one moment, and what happened between two."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chaos.record import Sample

UP = "up"
"""The sample, as Prometheus has it, that says whether a component's metrics could be read: 1 or 0."""

BORN = "process_start_time_seconds"


class Series(NamedTuple):
    """What a value belongs to."""

    source: str
    name: str
    labels: frozenset[tuple[str, str]]


Snapshot = Mapping[Series, float]


class NotSeenError(LookupError):
    """A component's metrics were not read when they had to be."""


def snapshot(samples: Iterable[Sample]) -> Snapshot:
    """The last value of each series."""
    return {Series(s.source, s.name, frozenset(s.labels.items())): s.value for s in samples}


def delta(before: Snapshot, after: Snapshot) -> Snapshot:
    """By how much each series of `after` has grown; one whose component has restarted, or whose log was begun anew,
    counts from zero. Raises NotSeenError for a component that is not up in both.
    """
    sources = {series.source for series in (*before, *after) if series.name == UP}
    for source in sources:
        if not all(taken.get(Series(source, UP, frozenset())) == 1 for taken in (before, after)):
            raise NotSeenError(f"the metrics of {source} were not read")
    restarted = {source for source in sources if _born(before, source) != _born(after, source)}
    return {
        series: value - _earlier(before, series, value) if series.source not in restarted else value
        for series, value in after.items()
    }


def _born(taken: Snapshot, source: str) -> float | None:
    return taken.get(Series(source, BORN, frozenset()))


def _earlier(before: Snapshot, series: Series, value: float) -> float:
    earlier = before.get(series, 0.0)
    return earlier if earlier <= value else 0.0


def of(taken: Snapshot, *sources: str) -> Snapshot:
    """What these components have counted."""
    return {series: value for series, value in taken.items() if series.source in sources}


def total(values: Snapshot, name: str, **labels: str) -> float:
    """The sum of the series of that name, of all components, that have these labels; 0 where there is none."""
    wanted = set(labels.items())
    return sum(value for series, value in values.items() if series.name == name and wanted <= series.labels)
