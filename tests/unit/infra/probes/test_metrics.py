from collections.abc import Mapping

import pytest

from infra.probes.metrics import BORN, UP, NotSeenError, Series, Snapshot, delta, of, parse, total

CALLS = "breaker_calls_total"
TEXT = """\
# TYPE breaker_calls_total counter
breaker_calls_total{breaker="b",outcome="failure"} 3.0
# TYPE other_total counter
other_total 7.0
"""


def series(source: str, name: str, labels: Mapping[str, str] | None = None) -> Series:
    return Series(source, name, frozenset((labels or {}).items()))


def taken(source: str, calls: float, *, born: float = 1.0, up: float = 1.0, log: float = 0.0) -> Snapshot:
    return {
        series(source, UP): up,
        series(source, BORN): born,
        series(source, CALLS, {"breaker": "b", "outcome": "failure"}): calls,
        series(source, CALLS, {"breaker": "b", "outcome": "success"}): calls * 10,
        series(source, "log_bytes"): log,
    }


def test_only_the_samples_that_are_asked_for_are_read() -> None:
    assert parse("query", TEXT, {CALLS}) == {series("query", CALLS, {"breaker": "b", "outcome": "failure"}): 3.0}


def test_growth_is_summed_by_labels() -> None:
    grown = delta(taken("query", 3), taken("query", 5))
    assert total(grown, CALLS, outcome="failure") == 2
    assert total(grown, CALLS, breaker="b") == 22
    assert total(grown, CALLS, outcome="neutral") == 0


def test_only_what_the_named_components_counted() -> None:
    both = {**taken("query", 3), **taken("ingestion", 40)}
    assert total(of(both, "query"), CALLS, outcome="failure") == 3


def test_a_series_that_was_not_there_before_grew_from_zero() -> None:
    before = {series("query", UP): 1.0, series("query", BORN): 1.0}
    assert total(delta(before, taken("query", 5)), CALLS, outcome="failure") == 5


def test_a_restarted_component_counts_from_zero() -> None:
    assert total(delta(taken("query", 3), taken("query", 5, born=2.0)), CALLS, outcome="failure") == 5


def test_a_component_of_several_processes_has_restarted_when_one_of_them_has() -> None:
    def processes(calls: float, *born: float) -> Snapshot:
        began = {series("query", BORN, {"process": str(index)}): at for index, at in enumerate(born)}
        return {series("query", UP): 1.0, series("query", CALLS): calls, **began}

    assert total(delta(processes(3, 1, 1), processes(5, 1, 1)), CALLS) == 2
    assert total(delta(processes(3, 1, 1), processes(5, 1, 2)), CALLS) == 5


def test_a_log_that_was_begun_anew_counts_from_zero() -> None:
    assert total(delta(taken("query", 0, log=900), taken("query", 0, log=40)), "log_bytes") == 40


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0)])
def test_what_was_not_seen_is_not_taken_for_zero(before: float, after: float) -> None:
    with pytest.raises(NotSeenError, match="query"):
        delta(taken("query", 3, up=before), taken("query", 5, up=after))


def test_a_component_seen_only_afterwards_was_not_seen() -> None:
    with pytest.raises(NotSeenError):
        delta(taken("query", 3), {**taken("query", 5), **taken("ingestion", 1)})
