from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from services.common import exposition as module
from services.common.exposition import exposition as told


def process(requests: int, state: int) -> bytes:
    """What a process exposes that has had so many requests."""
    registry = CollectorRegistry()
    counter = Counter("requests", "Requests,\nall of them", ["route"], registry=registry)
    seconds = Histogram("seconds", "Time", ["route"], registry=registry, buckets=(0.1, 1))
    counter.labels('/a b{"x"}').inc(requests)
    for _ in range(requests):
        seconds.labels("/a").observe(0.5)
    Gauge("breaker_state", "State", ["breaker"], registry=registry).labels("redis").set(state)
    Gauge("pending", "Entries", registry=registry).set(requests)
    return generate_latest(registry)


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in found}


def test_alone_a_process_tells_its_own() -> None:
    assert module.CONTENT_TYPE == exposition.CONTENT_TYPE_LATEST
    assert b"# TYPE python_info gauge" in told(0, {})
    assert b"process=" not in told(0, {})


def test_counters_and_histograms_add_up_and_a_gauge_is_told_of_each_process() -> None:
    text = module._added_up({0: process(2, 0), 1: process(3, 2)})
    seen = samples(text)
    assert seen["requests_total", (("route", '/a b{"x"}'),)] == 5
    assert seen["seconds_bucket", (("le", "0.1"), ("route", "/a"))] == 0
    assert seen["seconds_bucket", (("le", "+Inf"), ("route", "/a"))] == 5
    assert seen["seconds_sum", (("route", "/a"),)] == 2.5
    assert seen["breaker_state", (("breaker", "redis"), ("process", "0"))] == 0
    assert seen["breaker_state", (("breaker", "redis"), ("process", "1"))] == 2
    assert seen["pending", (("process", "1"),)] == 3
    assert text.count(b"# TYPE requests_total counter") == 1


def test_what_only_one_process_has_seen_is_told_too() -> None:
    other = process(3, 2).replace(b"/a", b"/b")
    seen = samples(module._added_up({0: process(2, 0), 1: other}))
    assert (seen["seconds_count", (("route", "/a"),)], seen["seconds_count", (("route", "/b"),)]) == (2, 3)
