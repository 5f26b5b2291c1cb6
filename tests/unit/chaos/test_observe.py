from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from chaos.client import session
from chaos.observe import COUNTED, WATCHED, Observed, Observer, log_sizes, parse
from infra.probes.metrics import UP, delta, total
from tests.servers import REFUSING, Answer, eventually, hangs, routes, streams, upstream
from tests.unit.chaos.virtual_time import virtual_time


class Service:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.state = Gauge("breaker_state", "", ["breaker"], registry=self.registry)
        self.attempts = Histogram(
            "dependency_attempt_seconds", "", ["dependency", "outcome"], buckets=(0.1, 1), registry=self.registry
        )
        Counter("other", "", registry=self.registry).inc()

    async def metrics(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=generate_latest(self.registry))


def test_only_what_is_watched_is_kept() -> None:
    service = Service()
    service.state.labels("ollama_embedding").set(2)
    service.attempts.labels("ollama", "refused").observe(0.5)
    text = generate_latest(service.registry).decode()
    watched = parse("query", text, 3.0, WATCHED)
    assert {(s.name, s.value) for s in watched} == {
        ("breaker_state", 2.0),
        ("dependency_attempt_seconds_count", 1.0),
        ("dependency_attempt_seconds_sum", 0.5),
    }
    assert {(s.at, s.source) for s in watched} == {(3.0, "query")}
    buckets = [s for s in parse("query", text, 3.0, COUNTED) if s.name.endswith("_bucket")]
    assert [(s.labels["le"], s.value) for s in buckets] == [("0.1", 0.0), ("1.0", 1.0), ("+Inf", 1.0)]


async def test_a_value_is_sampled_when_it_changes_and_each_look_says_whether_it_could_see() -> None:
    service = Service()
    service.state.labels("b").set(0)
    async with virtual_time() as time, upstream(service.metrics) as server, session() as opened:
        observer = Observer(opened, Observed({"query": server.url}), clock=time, sleep=time.sleep)
        async with observer:
            await eventually(lambda: len(observer.looks) >= 3)
            service.state.labels("b").set(2)
            seen = len(observer.looks)
            await eventually(lambda: len(observer.looks) >= seen + 3)
    assert [sample.value for sample in observer.samples if sample.name == "breaker_state"] == [0.0, 2.0]
    assert sum(sample.name == UP for sample in observer.samples) == len(observer.looks)


async def test_a_component_that_hangs_delays_neither_its_own_next_look_nor_another_component() -> None:
    answer = routes(sick=hangs, well=Service().metrics)
    async with virtual_time() as time, upstream(answer) as server, session() as opened:
        metrics = {name: f"{server.url}/{name}" for name in ("sick", "well")}
        observer = Observer(opened, Observed(metrics), clock=time, sleep=time.sleep, rate=2, patience_s=30)
        async with observer:
            await eventually(lambda: sum(look.source == "well" for look in observer.looks) >= 4)
        asked = [path for _, path, _ in server.asked]
    assert asked.count("/sick") >= 4
    intended = [look.intended for look in observer.looks if look.source == "well"]
    assert intended[:4] == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize("answer", [streams(b"{nonsense"), routes()], ids=["garbage", "error 500"])
async def test_a_component_that_cannot_be_read_is_not_up(answer: Answer) -> None:
    async with upstream(answer) as server, session() as opened:
        observer = Observer(opened, Observed({"query": server.url}), clock=lambda: 1.0)
        assert list((await observer.snapshot()).values()) == [0.0]
    assert observer.looks[0].error


async def test_a_component_that_is_away_is_not_up() -> None:
    async with session() as opened:
        observer = Observer(opened, Observed({"query": REFUSING}), clock=lambda: 1.0)
        assert list((await observer.snapshot()).values()) == [0.0]
    assert "ClientConnectorError" in str(observer.looks[0].error)


async def test_two_snapshots_count_attempts_and_log_bytes(tmp_path: Path) -> None:
    service, log = Service(), tmp_path / "query.log"
    async with upstream(service.metrics) as server, session() as opened:
        observer = Observer(opened, Observed({"query": server.url}, {"query": log}), clock=lambda: 1.0)
        before = await observer.snapshot()
        service.attempts.labels("ollama", "timeout").observe(2)
        log.write_text("x" * 100)
        grown = delta(before, await observer.snapshot())
    assert total(grown, "dependency_attempt_seconds_count", outcome="timeout") == 1
    assert total(grown, "log_bytes") == 100


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert [sample.value for sample in log_sizes({"query": tmp_path / "none"}, 1.0)] == [0.0]


async def test_a_look_that_was_due_and_never_begun_is_told_of() -> None:
    async with session() as opened, Observer(opened, Observed({"query": REFUSING}), clock=lambda: 1.0) as observer:
        pass
    assert [(look.intended, look.error) for look in observer.looks] == [(1.0, "never begun")]


def test_a_name_that_begins_like_a_watched_one_is_another() -> None:
    text = (
        "# HELP retries_total Retries\n# TYPE retries_total counter\n"
        'retries_total{outcome="a\\nb"} 2.0\nretries_total_of_others{outcome="c"} 3.0\nother 1.0\n'
    )
    assert [(s.name, dict(s.labels), s.value) for s in parse("query", text, 3.0, frozenset({"retries_total"}))] == [
        ("retries_total", {"outcome": "a\nb"}, 2.0)
    ]
