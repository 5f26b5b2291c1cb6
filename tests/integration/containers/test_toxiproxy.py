"""The harness's client against the real Toxiproxy, and that its toxics do what they are called."""

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from chaos.toxiproxy import Toxic, Toxiproxy, ToxiproxyError
from infra.targets.local import health
from infra.topology import topology
from tests.integration.containers.parts import LOOPBACK, eventually, image_of, running
from tests.ports import free_port

API, EDGE_PORT = 8474, 21020
EDGE = "query->ollama"
LATENCY = Toxic("slow", "latency", "downstream", {"latency": 300, "jitter": 0})


class Edge:
    """A proxy with the API itself behind it: a server that is certainly there."""

    def __init__(self, api: int, port: int) -> None:
        self.toxiproxy, self.port, self.url = Toxiproxy(api), port, f"http://{LOOPBACK}:{api}"

    def populate(self) -> None:
        proxy = {"name": EDGE, "listen": f"0.0.0.0:{EDGE_PORT}", "upstream": f"127.0.0.1:{API}", "enabled": True}
        request = urllib.request.Request(f"{self.url}/populate", json.dumps([proxy]).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 201

    def passes(self) -> bool:
        return health.problem("http", self.port, "/version") is None


@pytest.fixture(scope="module")
def server(engine: Any) -> Iterator[Edge]:
    api, port = free_port(), free_port()
    # The image listens on every interface by itself.
    with running(image_of(engine, "toxiproxy"), {API: api, EDGE_PORT: port}):
        eventually(lambda: health.problem("http", api, "/version") is None, 20, "Toxiproxy answers")
        yield Edge(api, port)


@pytest.fixture
def edge(server: Edge) -> Edge:
    server.populate()
    server.toxiproxy.remove_toxic(EDGE, LATENCY.name)
    server.toxiproxy.enable(EDGE, enabled=True)
    return server


def test_it_is_the_version_that_the_topology_names(server: Edge) -> None:
    with urllib.request.urlopen(f"{server.url}/version", timeout=5) as answer:
        version = json.load(answer)["version"]
    assert topology().component("toxiproxy").image.endswith(f":{version}")


def test_a_toxic_is_read_back_as_it_was_written_and_gone_once_removed(edge: Edge) -> None:
    edge.toxiproxy.put_toxic(EDGE, LATENCY)
    edge.toxiproxy.put_toxic(EDGE, LATENCY)
    assert edge.toxiproxy.proxy(EDGE).toxics == (LATENCY,)
    edge.toxiproxy.remove_toxic(EDGE, LATENCY.name)
    edge.toxiproxy.remove_toxic(EDGE, LATENCY.name)
    assert edge.toxiproxy.proxy(EDGE).toxics == ()


def test_a_latency_delays_what_passes(edge: Edge) -> None:
    assert edge.passes()
    edge.toxiproxy.put_toxic(EDGE, LATENCY)
    started = time.monotonic()
    assert edge.passes()
    assert time.monotonic() - started >= 0.3


def test_a_proxy_that_is_off_lets_nothing_pass_until_it_is_on_again(edge: Edge) -> None:
    edge.toxiproxy.enable(EDGE, enabled=False)
    assert not edge.passes()
    edge.toxiproxy.enable(EDGE, enabled=True)
    assert edge.passes()
    edge.toxiproxy.bounce(EDGE)
    assert edge.passes()


def test_a_proxy_can_be_pointed_elsewhere_and_back(edge: Edge) -> None:
    edge.toxiproxy.point(EDGE, "127.0.0.1:1")
    assert not edge.passes()
    edge.toxiproxy.point(EDGE, f"127.0.0.1:{API}")
    assert edge.passes()


def test_what_it_refuses_is_an_error_with_its_words(edge: Edge) -> None:
    with pytest.raises(ToxiproxyError, match="refuses"):
        edge.toxiproxy.put_toxic(EDGE, Toxic("odd", "no_such_type", "downstream"))
    with pytest.raises(ToxiproxyError, match="has no"):
        edge.toxiproxy.proxy("nobody->nobody")
