from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from benchmarks import guard
from benchmarks.benchmark import catalogue
from benchmarks.figures import Figure
from benchmarks.guard import Ratio, Ratios, baseline, judge

NAME = "path: full / bare"


def runs(*values: float, better: Literal["higher", "lower"] = "higher") -> list[Ratios]:
    return [{NAME: Ratio(value, better)} for value in values]


@pytest.mark.parametrize(
    ("now", "better", "word"),
    [
        ((0.80, 0.81, 0.79), "higher", "same"),
        ((0.70, 0.71, 0.70), "higher", "worse"),
        ((0.90, 0.91, 0.90), "higher", "better"),
        ((0.90, 0.91, 0.90), "lower", "worse"),
        ((0.70, 0.71, 0.70), "lower", "better"),
        ((0.60, 0.90, 0.65), "higher", "same"),  # today everything scatters: nothing is proven
    ],
)
def test_a_drop_counts_beyond_the_noise_that_was_measured(
    now: tuple[float, ...], better: Literal["higher", "lower"], word: str
) -> None:
    known = baseline(runs(0.80, 0.81, 0.79, 0.80, 0.82, better=better))
    (judged,) = judge(known, runs(*now, better=better))
    assert judged.word == word


def test_a_baseline_that_scatters_lets_more_pass() -> None:
    now = runs(0.70, 0.71, 0.70)
    (strict,) = judge(baseline(runs(0.80, 0.81, 0.79)), now)
    (loose,) = judge(baseline(runs(0.80, 0.90, 0.70)), now)
    assert (strict.word, loose.word) == ("worse", "same")


def test_no_noise_is_believed_to_be_nothing() -> None:
    (judged,) = judge(baseline(runs(0.8, 0.8, 0.8)), runs(0.79, 0.79, 0.79))
    assert judged.word == "same"


def test_a_ratio_that_is_no_longer_measured_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        judge(baseline(runs(0.8, 0.8)), [{}, {}])


def test_only_ratios_are_guarded() -> None:
    figures = [Figure("a / b", "x", (1.0, 2.0, 3.0), "higher"), Figure("rate", "searches/s", (100.0,), "higher")]
    assert guard.ratios("path", figures) == {"path: a / b": Ratio(2.0, "higher")}


def test_after_a_regression_it_is_told_how_to_get_a_new_baseline(tmp_path: Path) -> None:
    path, console = tmp_path / "baseline.json", Console(record=True, width=200, quiet=False)
    assert guard.rewrite(console, runs(0.80, 0.81, 0.79), path) == 0
    assert guard.check(console, runs(0.80, 0.80, 0.81), path) == 0
    assert "python -m benchmarks baseline" not in console.export_text(clear=False)
    assert guard.check(console, runs(0.5, 0.5, 0.5), path) == 1
    assert "python -m benchmarks baseline" in console.export_text()


def test_the_committed_baseline_can_be_read_and_holds_every_guarded_benchmark() -> None:
    known = guard.read()
    assert {name.partition(":")[0] for name in known} == {one.name for one in catalogue().values() if one.guard}
