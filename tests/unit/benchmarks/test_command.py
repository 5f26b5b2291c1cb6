import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import guard, results
from benchmarks.benchmark import Bench, Benchmark
from benchmarks.client import LoadError
from benchmarks.figures import Figure, at_most


def kept(_: Bench) -> Iterator[Figure]:
    yield Figure("a / b", "x", (1.0, 1.0), "lower", at_most(1.15))


def missed(_: Bench) -> Iterator[Figure]:
    yield Figure("a / b", "x", (2.0, 2.0), "lower", at_most(1.15))


def noisy(_: Bench) -> Iterator[Figure]:
    yield Figure("a / b", "x", (1.0, 1.15, 1.3), "lower", at_most(1.15))


def broken(_: Bench) -> Iterator[Figure]:
    yield from ()
    raise LoadError("nobody answers")


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue of this test; its records and baseline go to a folder of its own."""
    entries = (kept, missed, noisy, broken)
    known = {one.__name__: Benchmark(one.__name__, "A title.", None, guard=one is kept, measure=one) for one in entries}
    monkeypatch.setattr(command, "catalogue", lambda: known)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(guard, "BASELINE", tmp_path / "baseline.json")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return command.main()


@pytest.mark.parametrize(
    ("names", "status"),
    [(["kept"], 0), (["missed", "noisy"], 1), (["noisy"], 3), (["broken", "missed"], 2), (["no-such"], 2)],
)
def test_the_status_tells_the_worst_that_was_found(
    names: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "run", "--quick", *names) == status


def test_a_benchmark_that_breaks_off_keeps_none_of_the_others_from_being_recorded(
    monkeypatch: pytest.MonkeyPatch, records: Path
) -> None:
    run(monkeypatch, "run")
    (path,) = records.glob("*.json")
    recorded = results.load(str(path))
    assert list(recorded.figures) == ["kept", "missed", "noisy"]
    assert recorded.failures == {"broken": "LoadError: nobody answers"}


def test_two_records_are_compared(
    monkeypatch: pytest.MonkeyPatch, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("kept", "missed"):
        run(monkeypatch, "run", name)
        (path,) = records.glob("2*.json")
        path.write_text(path.read_text().replace('"missed"', '"kept"'))
        path.rename(records / f"{name}.json")
    assert run(monkeypatch, "compare", "kept", "missed") == 1
    assert "worse" in capsys.readouterr().out
    assert run(monkeypatch, "compare", "missed", "kept") == 0
    assert run(monkeypatch, "compare", "kept", "no-such") == 2


def test_the_guard_holds_todays_ratios_to_a_baseline_that_it_can_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "baseline", "--runs", "2") == 0
    assert run(monkeypatch, "guard") == 0
    guard.BASELINE.write_text(guard.BASELINE.read_text().replace('"median": 1.0', '"median": 0.5'))
    assert run(monkeypatch, "guard") == 1


def test_the_list_names_them_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["list"], []):
        assert run(monkeypatch, *arguments) == 0
        told = capsys.readouterr().out
        assert "kept" in told
        assert "A title." in told
