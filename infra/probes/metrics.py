"""Metrics at one moment, and what happened between two."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

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


def parse(source: str, text: str, names: Collection[str]) -> Snapshot:
    """The samples of these names in Prometheus' text format; raises ValueError for what is none.

    The parser takes 0.1 s for what all components say, in which a load would stand still; so it gets little of it.
    """
    return {
        Series(source, sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(_lines_of(text, names))
        for sample in family.samples
        if sample.name in names
    }


def _lines_of(text: str, names: Collection[str]) -> str:
    """Those that may be samples of these names; all, where none is a comment as every exposition has them."""
    if "\n# TYPE" not in f"\n{text}":
        return text
    begin = tuple(names)
    return "".join(line for line in text.splitlines(keepends=True) if line.startswith(begin))


def delta(before: Snapshot, after: Snapshot) -> Snapshot:
    """By how much each series of `after` has grown; one whose component has restarted, or whose log was begun anew,
    counts from zero. Raises NotSeenError for a component that is not up in both.
    """
    sources = {series.source for series in (*before, *after) if series.name == UP}
    for source in sources:
        if not all(taken.get(Series(source, UP, frozenset())) == 1 for taken in (before, after)):
            raise NotSeenError(f"the metrics of {source} were not read")
    born_before, born_after = _born(before), _born(after)
    restarted = {source for source in sources if born_before.get(source) != born_after.get(source)}
    return {
        series: value - _earlier(before, series, value) if series.source not in restarted else value
        for series, value in after.items()
    }


def _born(taken: Snapshot) -> Mapping[str, frozenset[tuple[Series, float]]]:
    """When each component's processes began: it may have several, each with a label of its own."""
    born: dict[str, frozenset[tuple[Series, float]]] = {}
    for series, value in taken.items():
        if series.name == BORN:
            born[series.source] = born.get(series.source, frozenset()) | {(series, value)}
    return born


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
