"""Both sources over HTTP: services that expose prometheus_client's text, and a Prometheus that has scraped them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from infra.probes.metrics import BORN, UP, Series, parse, total
from infra.rollout.measurements import Traffic, Trips
from infra.rollout.sources import COUNTERS, Prometheus, Scrape, Source
from infra.rollout.window import between
from services.common.breakers import CALLS, FALSE, TRIPS
from services.common.exposition import exposition
from services.common.middleware.metrics import LATENCY, REQUESTS, observe
from tests.servers import REFUSING

Answer = Callable[[str], str | None]  # of a path; None is status 500
CANDIDATE = {"query-next": "query", "ingestion-next": "ingestion"}


class Service:
    """The metrics of one process, as the services have them."""

    def __init__(self, born: float) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter("http_requests", "", ["method", "route", "status"], registry=registry)
        self._latency = Histogram(
            "http_request_duration_seconds", "", ["method", "route"], buckets=(0.1, 1), registry=registry
        )
        self._calls = Counter("breaker_calls", "", ["breaker", "outcome"], registry=registry)
        self._trips = Counter("breaker_trips", "", ["breaker"], registry=registry)
        self._false = Counter("breaker_false_positives", "", ["breaker"], registry=registry)
        Gauge("process_start_time_seconds", "", registry=registry).set(born)
        Gauge("breaker_state", "", ["breaker"], registry=registry).labels("redis").set(2)

    def answers(self, status: int, seconds: float, *, times: int = 1, route: str = "/api/v1/search") -> None:
        for _ in range(times):
            self._requests.labels("GET", route, str(status)).inc()
            self._latency.labels("GET", route).observe(seconds)

    def trips(self, *, false: bool) -> None:
        for outcome in ("failure", "failure", "success", "neutral", "not_permitted"):
            self._calls.labels("redis", outcome).inc()
        self._trips.labels("redis").inc()
        self._false.labels("redis").inc(false)

    def text(self) -> str:
        return generate_latest(self._registry).decode()


class FakePrometheus:
    """Answers /api/v1/query with what it has scraped; the format is that of prometheus.io/docs, "HTTP API".

    It knows one form of query: a selector by two regular expressions, which match whole values.
    """

    def __init__(self, services: Mapping[str, Service | None]) -> None:
        self._services = services

    def answer(self, path: str) -> str:
        asked = parse_qs(urlsplit(path).query)["query"][0]
        found = re.fullmatch(r'\{__name__=~"([^"]*)",instance=~"([^"]*)"\}', asked)
        assert found, asked
        names, instances = found.groups()
        result = [
            {"metric": labels, "value": [1435781451.781, value]}
            for labels, value in self._samples()
            if re.fullmatch(names, labels["__name__"]) and re.fullmatch(instances, labels["instance"])
        ]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})

    def _samples(self) -> Iterator[tuple[dict[str, str], str]]:
        for number, (component, service) in enumerate(self._services.items()):
            target = {"instance": f"{component}/10.0.0.{number}:8000", "job": component}
            yield {"__name__": UP, **target}, "1" if service else "0"
            for family in text_string_to_metric_families(service.text() if service else ""):
                for sample in family.samples:
                    yield {"__name__": sample.name, **sample.labels, **target}, f"{sample.value}"


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = answer(self.path)
            self.send_response(500 if told is None else 200)
            self.end_headers()
            with suppress(BrokenPipeError):  # nobody waits for it any more
                self.wfile.write((told or "broken").encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def both(services: Mapping[str, Service | None]) -> Iterator[tuple[Source, Source]]:
    """A source of either kind over the same services; one that is None answers nothing of use."""

    def metrics(path: str) -> str | None:
        service = services[path.split("/")[1]]
        return service.text() if service else None

    with serving(metrics) as url, serving(FakePrometheus(services).answer) as prometheus:
        addresses = {component: f"{url}/{component}" for component in services}
        yield Scrape(addresses), Prometheus(prometheus, tuple(services))


def test_both_sources_tell_the_same_of_a_window() -> None:
    query, ingestion, other = Service(100), Service(200), Service(300)
    services: dict[str, Service | None] = {"query-next": query, "ingestion-next": ingestion, "query": other}
    query.answers(500, 0.05, times=1000)  # before the window
    with both(services) as sources:
        before = [source.read() for source in sources]
        query.answers(200, 0.05, times=7)
        query.answers(503, 0.5, times=2)
        query.answers(499, 30)
        query.answers(404, 0.05)
        query.answers(503, 0.05, times=50, route="/ready")
        query.answers(500, 0.05, times=50, route="/internal/status")
        query.answers(500, 0.05, times=50, route="synthetic")
        query.trips(false=True)
        ingestion.answers(202, 0.5, times=4)
        ingestion.trips(false=False)
        other.answers(500, 5, times=1000)
        after = [source.read() for source in sources]
    told = [between(*moments, CANDIDATE) for moments in zip(before, after, strict=True)]
    parts = {
        "query": Traffic(11, 2, {0.1: 8, 1.0: 2, float("inf"): 1}, {}),
        "ingestion": Traffic(4, 0, {0.1: 0, 1.0: 4, float("inf"): 0}, {}),
    }
    assert told[0] == (Traffic(15, 2, {0.1: 8, 1.0: 6, float("inf"): 1}, parts), Trips(8, 2, 1))
    assert told[1] == told[0]


def test_a_restarted_component_counts_from_zero_in_both() -> None:
    old, new = Service(100), Service(160)
    services: dict[str, Service | None] = {"query-next": old}
    with both(services) as sources:
        old.answers(200, 0.05, times=5)
        before = [source.read() for source in sources]
        services["query-next"] = new
        new.answers(200, 0.05, times=9)
        after = [source.read() for source in sources]
    for moments in zip(before, after, strict=True):
        told = between(*moments, {"query-next": "query"})
        assert told
        assert told[0].requests == 9


def test_what_could_not_be_read_at_either_moment_is_unknown_in_both() -> None:
    services: dict[str, Service | None] = {"query-next": None, "ingestion-next": Service(1)}
    with both(services) as sources:
        before = [source.read() for source in sources]
        services["query-next"] = Service(1)
        after = [source.read() for source in sources]
    for moments in zip(before, after, strict=True):
        assert between(*moments, CANDIDATE) is None
        assert between(*moments, {"ingestion-next": "ingestion"}) == (
            Traffic(0, 0, {}, {"ingestion": EMPTY}),
            Trips(0, 0, 0),
        )
        assert between(moments[1], moments[0], CANDIDATE) is None


EMPTY = Traffic(0, 0, {}, {})


def test_a_component_that_the_source_does_not_know_is_unknown() -> None:
    with both({"query-next": Service(1)}) as sources:
        for source in sources:
            assert between(source.read(), source.read(), CANDIDATE) is None


def test_sources_that_cannot_be_reached_say_that_nothing_is_up() -> None:
    down = {Series("query-next", UP, frozenset()): 0.0}
    assert Scrape({"query-next": REFUSING}).read() == down
    assert Prometheus(REFUSING, ["query-next"]).read() == down
    assert Scrape({}).read() == {}


def test_what_is_no_metrics_at_all_is_not_taken_for_none() -> None:
    down = {Series("query-next", UP, frozenset()): 0.0}
    with serving(lambda _: "<html>") as url:
        assert Scrape({"query-next": url}).read() == down
        assert Prometheus(url, ["query-next"]).read() == down
    with serving(lambda _: '{"status":"error","errorType":"bad_data","error":"parse error"}') as url:
        assert Prometheus(url, ["query-next"]).read() == down


def test_a_component_that_hangs_is_waited_for_only_so_long() -> None:
    def hangs(_: str) -> str:
        sleep(0.2)
        return Service(1).text()

    with serving(hangs) as url:
        assert Scrape({"query-next": url}, timeout_s=0.05).read() == {Series("query-next", UP, frozenset()): 0.0}


def test_the_counters_are_those_of_the_services() -> None:
    families = [next(iter(metric.describe())).name for metric in (REQUESTS, CALLS, TRIPS, FALSE)]
    buckets = f"{next(iter(LATENCY.describe())).name}_bucket"
    assert {*(f"{name}_total" for name in families), buckets, BORN} == COUNTERS


def test_a_service_of_several_processes_is_read_as_one() -> None:
    observe({"type": "http", "method": "GET", "path": "/"}, 200, 0.03)
    one, two = (exposition(0, others).decode() for others in ({}, {1: generate_latest()}))
    read = [parse("query", text, COUNTERS) for text in (one, two)]
    assert [sum(series.name == BORN for series in taken) for taken in read] == [1, 2]
    assert total(read[1], "http_requests_total") == 2 * total(read[0], "http_requests_total") > 0
