"""A load as tables for other programs: second by second, and by operation."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from chaos.scorecard.measures import QUANTILES
from loadtests.measure import Asked, measure
from loadtests.samples import Samples
from loadtests.shapes import length
from loadtests.summary import Summary

SECONDS = ("second", "intended", "achieved", "wrong", "cached", *QUANTILES, "generator_cores")
OPERATIONS = ("stage", "operation", "requests", "wrong", "cached", *QUANTILES)


def seconds(summary: Summary, samples: Samples) -> Iterable[Sequence[object]]:
    """A row for each second of the load; latencies in seconds, of the requests that were meant for it."""
    stages = summary.run.stages
    for at in range(int(min(length(stages), samples.until))):
        now = measure(samples, stages, at, at + 1)
        rates = (f"{now.intended:.1f}", f"{now.achieved:.0f}")
        yield at, *rates, *_asked(now.whole), f"{now.generator_cpu:.3f}"


def operations(summary: Summary) -> Iterable[Sequence[object]]:
    """A row for each operation of each stage, and one for all of them."""
    for stage in summary.stages:
        for name, asked in {**stage.measured.operations, "all": stage.measured.whole}.items():
            yield stage.stage.name, name, asked.requests, *_asked(asked)


def _asked(asked: Asked) -> Sequence[object]:
    cached = round(asked.cached_share * asked.requests)
    return asked.wrong, cached, *(f"{asked.quantiles[name]:.5f}" if asked.requests else "" for name in QUANTILES)


def save(folder: Path, summary: Summary, samples: Samples) -> None:
    """Write `seconds.csv` and `operations.csv` into the run's folder."""
    _write(folder / "seconds.csv", SECONDS, seconds(summary, samples))
    _write(folder / "operations.csv", OPERATIONS, operations(summary))


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
