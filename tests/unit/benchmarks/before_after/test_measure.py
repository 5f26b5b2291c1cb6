import pytest

from benchmarks.before_after.measure import attempts_ms, trips
from benchmarks.before_after.record import Trips
from chaos.record import Sample
from chaos.snapshot import snapshot
from infra.probes.metrics import UP, Snapshot

COUNT, SUM = "dependency_attempt_seconds_count", "dependency_attempt_seconds_sum"


def seen(*values: tuple[str, str, dict[str, str], float], up: float = 1.0) -> Snapshot:
    """A look at `query` and `collections`."""
    looks = [Sample(0.0, source, UP, {}, up) for source in ("query", "collections")]
    return snapshot([*looks, *(Sample(0.0, source, name, labels, value) for source, name, labels, value in values)])


def tried(source: str, outcome: str, count: float, seconds: float) -> list[tuple[str, str, dict[str, str], float]]:
    labels = {"dependency": "ollama", "outcome": outcome}
    return [(source, COUNT, labels, count), (source, SUM, labels, seconds)]


def test_an_attempts_mean_is_of_those_that_query_made_between_the_looks_however_they_ended() -> None:
    before = seen(*tried("query", "ok", 10, 5.0))
    after = seen(
        *tried("query", "ok", 12, 5.2), *tried("query", "timeout", 1, 0.4), *tried("collections", "ok", 9, 9.0)
    )
    assert attempts_ms(before, after) == {"ollama": pytest.approx(200.0)}


def test_without_attempts_or_without_metrics_there_is_no_mean() -> None:
    same = seen(*tried("query", "ok", 10, 5.0))
    assert attempts_ms(same, same) == {}
    assert attempts_ms(same, seen(up=0.0)) == {}


def test_trips_are_counted_over_all_services_and_not_known_without_one() -> None:
    after = seen(
        ("query", "breaker_trips_total", {"breaker": "redis"}, 3.0),
        ("collections", "breaker_trips_total", {"breaker": "ingestion"}, 1.0),
        ("query", "breaker_false_positives_total", {"breaker": "redis"}, 1.0),
    )
    assert trips(seen(), after) == Trips(4, 1)
    assert trips(seen(), seen(up=0.0)) is None
