import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from chaos.record import Finding, Outcome, Request, Result, Run, Verdict
from chaos.scorecard.diff import Change, Way, diff, show
from chaos.scorecard.summary import Summary, summarize
from tests.unit.chaos.scorecard.runs import finding, load, result, run, window

FAILED, PASSED, UNKNOWN = Verdict.FAILED, Verdict.PASSED, Verdict.UNKNOWN


def _of(*results: Result, of: Run | None = None) -> Summary:
    return summarize(of or run(), results)


def _changes(old: Sequence[Request], new: Sequence[Request]) -> list[tuple[Way, str]]:
    before, after = (_of(result("a", PASSED, requests=some, windows=[window(10, 20)])) for some in (old, new))
    return [(change.way, change.what) for change in diff(before, after)]


def _slow(seconds: float) -> tuple[Request, ...]:
    return load(30, 40, lambda at: (Outcome.LIVE, seconds if 10 <= at < 20 else 0.02))


def _erring(every: int) -> tuple[Request, ...]:
    return load(30, 40, lambda at: (Outcome.ERROR if round(at * 40) % every == 0 and at < 10 else Outcome.LIVE, 0.02))


def test_equal_runs_do_not_differ() -> None:
    before = _of(result("a", PASSED, requests=_slow(0.8), windows=[window(10, 20)]))

    assert diff(before, before) == []


def test_verdicts_that_changed_come_with_the_worse_first() -> None:
    before = _of(result("a", FAILED), result("b", PASSED), result("c", PASSED, clean_up=finding(UNKNOWN)))
    after = _of(result("a", UNKNOWN), result("b", PASSED, clean_up=finding(FAILED)), result("c", FAILED))

    assert [(change.way, change.experiment, change.what) for change in diff(before, after)] == [
        (Way.WORSE, "b", "clean-up"),
        (Way.WORSE, "c", "verdict"),
        (Way.WORSE, "c", "check: check 0"),
        (Way.BETTER, "a", "verdict"),
        (Way.BETTER, "a", "check: check 0"),
        (Way.BETTER, "c", "clean-up"),
    ]


def test_a_check_that_got_worse_in_a_failed_experiment_is_seen() -> None:
    before = _of(result("a", findings=[finding(FAILED, "x"), finding(PASSED, "y"), finding(PASSED, "old")]))
    after = _of(result("a", findings=[finding(FAILED, "x"), finding(PASSED, "y"), finding(FAILED, "y")]))

    assert diff(before, after) == [Change(Way.WORSE, "a", "check: y", PASSED, FAILED)]


def test_an_experiment_that_is_gone_is_a_loss_only_between_runs_of_one_kind() -> None:
    before, after = _of(result("a", PASSED), result("b", PASSED)), _of(result("b", PASSED), result("c", FAILED))
    full = _of(result("b", PASSED), of=run(quick=False))

    assert [(change.way, change.experiment) for change in diff(before, after)] == [
        (Way.WORSE, "a"),
        (Way.NEITHER, "c"),
    ]
    assert [change.way for change in diff(before, full)] == [Way.NEITHER]


@pytest.mark.parametrize(("old", "new"), [(0.030, 0.045), (0.9, 1.1)])
def test_latencies_less_than_20_ms_or_a_quarter_apart_are_noise(old: float, new: float) -> None:
    assert _changes(_slow(old), _slow(new)) == []
    assert _changes(_slow(new), _slow(old)) == []


def test_latencies_farther_apart_count_where_enough_lies_beyond_the_quantile() -> None:
    # 400 requests during the fault: 20 of them lie beyond p95, and 4, too few, beyond p99
    assert _changes(_slow(0.8), _slow(1.2)) == [(Way.WORSE, "p50 during"), (Way.WORSE, "p95 during")]
    assert _changes(_slow(1.2), _slow(0.8)) == [(Way.BETTER, "p50 during"), (Way.BETTER, "p95 during")]


def test_error_shares_count_beyond_two_points_and_three_standard_errors() -> None:
    assert _changes(_erring(1000), _erring(100)) == []  # 0.25 % and 1 %
    assert _changes(_erring(40), _erring(20)) == []  # 2.5 % and 5 % of 400: within three standard errors
    assert _changes(_erring(1000), _erring(10)) == [(Way.WORSE, "errors before")]
    assert _changes(_erring(10), _erring(1000)) == [(Way.BETTER, "errors before")]


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [(21.0, 21.9, None), (25.0, 26.2, None), (21.0, 23.0, Way.WORSE), (23.0, 21.0, Way.BETTER), (23.0, 99, Way.WORSE)],
)
def test_recovery_counts_beyond_a_second_and_a_quarter_or_when_no_longer_seen(
    old: float, new: float, way: Way | None
) -> None:
    def until(end: float) -> tuple[Request, ...]:
        return load(30, 40, lambda at: (Outcome.DEGRADED if 20 <= at < end else Outcome.LIVE, 0.02))

    assert _changes(until(old), until(new)) == ([] if way is None else [(way, "recovery")])


def _shown(before: Summary, after: Summary) -> str:
    written = io.StringIO()
    show(before, after, diff(before, after), Console(file=written, width=120))
    return written.getvalue()


def test_what_is_shown_says_what_was_not_alike() -> None:
    before = _of(result("a", PASSED))
    after = _of(result("a", PASSED), of=run(quick=False, seed=8, stack={"redis": "Valkey 8.1"}))
    shown = _shown(before, after)

    assert "not like for like: quick, then full" in shown
    assert "not like for like: seed 7, then 8" in shown
    assert "not like for like: qdrant-0 was embedded Qdrant (stand-in), then nothing" in shown
    assert "no change beyond noise" in shown


def test_what_is_shown_counts_what_got_worse() -> None:
    shown = _shown(_of(result("[b]a", PASSED)), _of(result("[b]a", findings=[Finding("check 0", FAILED, "no")])))

    assert "worse   [b]a         verdict          passed   failed" in shown
    assert "2 changes for the worse" in shown
