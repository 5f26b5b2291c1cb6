from chaos.record import Sample
from chaos.snapshot import snapshot
from infra.probes.metrics import Series

CALLS = "breaker_calls_total"


def test_the_last_value_of_a_series_counts() -> None:
    samples = [Sample(at, "query", CALLS, {"breaker": "b"}, at * 2) for at in (1.0, 2.0)]
    assert snapshot(samples) == {Series("query", CALLS, frozenset({("breaker", "b")})): 4.0}
