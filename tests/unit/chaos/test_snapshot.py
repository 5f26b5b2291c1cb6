import pytest

from chaos.record import Sample
from chaos.snapshot import BORN, UP, NotSeenError, Series, Snapshot, delta, of, snapshot, total

CALLS = "breaker_calls_total"


def taken(source: str, calls: float, *, born: float = 1.0, up: float = 1.0, log: float = 0.0) -> Snapshot:
    return snapshot(
        [
            Sample(0.0, source, UP, {}, up),
            Sample(0.0, source, BORN, {}, born),
            Sample(0.0, source, CALLS, {"breaker": "b", "outcome": "failure"}, calls),
            Sample(0.0, source, CALLS, {"breaker": "b", "outcome": "success"}, calls * 10),
            Sample(0.0, source, "log_bytes", {}, log),
        ]
    )


def test_the_last_value_of_a_series_counts() -> None:
    samples = [Sample(at, "query", CALLS, {"breaker": "b"}, at * 2) for at in (1.0, 2.0)]
    assert snapshot(samples) == {Series("query", CALLS, frozenset({("breaker", "b")})): 4.0}


def test_growth_is_summed_by_labels() -> None:
    grown = delta(taken("query", 3), taken("query", 5))
    assert total(grown, CALLS, outcome="failure") == 2
    assert total(grown, CALLS, breaker="b") == 22
    assert total(grown, CALLS, outcome="neutral") == 0


def test_only_what_the_named_components_counted() -> None:
    both = {**taken("query", 3), **taken("ingestion", 40)}
    assert total(of(both, "query"), CALLS, outcome="failure") == 3


def test_a_series_that_was_not_there_before_grew_from_zero() -> None:
    before = {Series("query", UP, frozenset()): 1.0, Series("query", BORN, frozenset()): 1.0}
    assert total(delta(before, taken("query", 5)), CALLS, outcome="failure") == 5


def test_a_restarted_component_counts_from_zero() -> None:
    assert total(delta(taken("query", 3), taken("query", 5, born=2.0)), CALLS, outcome="failure") == 5


def test_a_log_that_was_begun_anew_counts_from_zero() -> None:
    assert total(delta(taken("query", 0, log=900), taken("query", 0, log=40)), "log_bytes") == 40


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0)])
def test_what_was_not_seen_is_not_taken_for_zero(before: float, after: float) -> None:
    with pytest.raises(NotSeenError, match="query"):
        delta(taken("query", 3, up=before), taken("query", 5, up=after))


def test_a_component_seen_only_afterwards_was_not_seen() -> None:
    with pytest.raises(NotSeenError):
        delta(taken("query", 3), {**taken("query", 5), **taken("ingestion", 1)})
