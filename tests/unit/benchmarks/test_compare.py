from datetime import UTC, datetime

import pytest

from benchmarks.compare import changes
from benchmarks.figures import Figure
from benchmarks.results import Result

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(*figures: Figure, machine: str = "one") -> Result:
    return Result("id", NOW, quick=True, machine={"processor": machine}, load_before=0.0, figures={"a": list(figures)})


def rate(*values: float) -> Figure:
    return Figure("rate", "searches/s", values, "higher")


def latency(*values: float) -> Figure:
    return Figure("latency", "ms", values, "lower")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (rate(100, 101, 102), rate(130, 131, 132), "better"),
        (rate(100, 101, 102), rate(80, 81, 82), "worse"),
        (rate(100, 101, 102), rate(103, 104, 105), "same"),  # apart, but by too little
        (rate(50, 100, 150), rate(90, 140, 190), "same"),  # far apart, but not by more than they scatter
        (latency(10, 11, 12), latency(7, 8, 9), "better"),
        (latency(10, 11, 12), latency(20, 21, 22), "worse"),
        (latency(0, 0, 0), latency(0, 0, 0), "same"),
    ],
)
def test_a_change_counts_beyond_the_noise_of_both_runs(before: Figure, after: Figure, word: str) -> None:
    (change,) = changes(run(before), run(after))
    assert change.word == word


def test_on_another_machine_only_ratios_are_compared() -> None:
    ratio = Figure("a / b", "x", (1.0,), "higher")
    found = changes(run(rate(1), ratio), run(rate(2), ratio, machine="another"))
    assert [change.after.name for change in found] == ["a / b"]


def test_a_figure_that_only_one_run_has_is_not_compared() -> None:
    assert not list(changes(run(rate(1)), run(latency(1))))
