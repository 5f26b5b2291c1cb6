from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.figures import Figure, at_least
from benchmarks.machine import describe
from benchmarks.results import NoResultError, Result, last, load, save

FIGURE = Figure("a / b", "x", (1.0, 2.0), "higher", at_least(0.8), {"ms: a": 3.0}, "a note")
RESULT = Result(
    "20260101-000000", datetime(2026, 1, 1, tzinfo=UTC), True, dict(describe()), 0.5, {"one": [FIGURE]}, {"two": "why"}
)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = save(RESULT, tmp_path)
    assert load(RESULT.id, tmp_path) == load(str(path)) == RESULT


def test_the_last_run_is_the_latest_that_has_measured_the_benchmark_with_the_same_effort(tmp_path: Path) -> None:
    later = replace(RESULT, id="20260101-000001")
    for result in (
        RESULT,
        later,
        replace(RESULT, id="20260101-000002", figures={}),
        replace(RESULT, id="20260101-000003", quick=False),
    ):
        save(result, tmp_path)
    assert last("one", quick=True, folder=tmp_path) == later
    assert last("two", quick=True, folder=tmp_path) is None


def test_where_a_run_is_missing_the_others_are_named(tmp_path: Path) -> None:
    save(RESULT, tmp_path)
    with pytest.raises(NoResultError, match=RESULT.id):
        load("another", tmp_path)
