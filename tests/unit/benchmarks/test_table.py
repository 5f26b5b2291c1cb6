from datetime import UTC, datetime

from rich.console import Console

from benchmarks.benchmark import Benchmark
from benchmarks.figures import Figure, at_least
from benchmarks.results import Result
from benchmarks.table import amount, show

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = {"path": Benchmark("path", "The path.", None, guard=False, measure=lambda _: iter(()))}


def run(*figures: Figure, **failures: str) -> Result:
    return Result("id", NOW, True, {"cores": "2"}, 0.0, {"path": list(figures)}, failures)


def shown(result: Result, before: Result | None = None) -> str:
    console = Console(record=True, width=140, quiet=False)
    show(console, result, KNOWN, {"path": before} if before else {})
    return console.export_text()


def test_a_figure_is_shown_with_its_spread_bound_and_verdict() -> None:
    text = shown(run(Figure("full / bare", "x", (0.85, 0.9, 0.95), "higher", at_least(0.8))))
    assert all(word in text for word in ("full / bare", "0.900x", "0.850 to 0.950", "≥ 0.8", "holds"))


def test_a_missed_bound_is_explained_by_what_the_figure_consists_of() -> None:
    missed = Figure("full / bare", "x", (0.5, 0.5), "higher", at_least(0.8), {"µs: the query service": 700.0})
    assert "700 µs: the query service" in shown(run(missed))
    kept = Figure("full / bare", "x", (0.9, 0.9), "higher", at_least(0.8), {"µs: the query service": 700.0})
    assert "the query service" not in shown(run(kept))


def test_a_change_since_the_last_run_is_told() -> None:
    before, after = (run(Figure("rate", "searches/s", values, "higher")) for values in ((100.0, 101.0), (50.0, 51.0)))
    assert "worse -50%" in shown(after, before)


def test_what_could_not_be_measured_is_named() -> None:
    assert "path could not be measured: it broke" in shown(run(path="it broke"))


def test_numbers_have_three_digits_that_mean_something() -> None:
    assert [amount(value) for value in (0.01234, 1.2345, 12.345, 1234.5)] == ["0.0123", "1.23", "12.3", "1,234"]
