"""A cluster of real Qdrant nodes: what is held against the embedded ones, and what the commands see of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.qdrant import node as commands
from infra.qdrant.agreement import disagreements
from infra.qdrant.view import look
from infra.topology import QDRANT_NODES
from tests.integration.containers.parts import eventually, image_of, labels, running
from tests.integration.embedded.qdrant import test_client as ours
from tests.integration.embedded.qdrant import test_conformance as recorded
from tests.integration.embedded.qdrant.nodes import Node, all_active, free_ports

client = ours.client
test_collections = ours.test_collections
test_queries = ours.test_queries
test_reading_points = ours.test_reading_points
test_changing_points = ours.test_changing_points
test_the_recorded_exchanges_of_a_healthy_cluster = recorded.test_the_recorded_exchanges_of_a_healthy_cluster

HTTP, P2P = 6333, 6335
READY_S = 60.0  # to start, to find each other, and to be sent what was missed


@dataclass
class Container(Node):
    """A node in a container."""

    container: Any = field(default=None, kw_only=True)

    def start(self) -> None:
        self.container.start()

    def signal(self, number: int) -> None:
        self.container.kill(signal=number)

    def kill(self) -> None:
        self.container.kill()
        self.container.wait(timeout=10)

    def wait_until_ready(self) -> None:
        eventually(self.is_ready, READY_S, f"{self.uri} is ready")


@pytest.fixture(scope="module")
def cluster(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    image = image_of(engine, QDRANT_NODES[0])
    from testcontainers.core.network import Network

    with ExitStack() as stack:
        network = stack.enter_context(Network(docker_network_kw={"labels": labels()}))
        uris = [f"http://{name}:{P2P}" for name in QDRANT_NODES]
        nodes: list[Node] = []
        for name, port, uri in zip(QDRANT_NODES, free_ports(len(QDRANT_NODES)), uris, strict=True):
            told = {"QDRANT__CLUSTER__ENABLED": "true", "QDRANT_URI": uri, "QDRANT_BOOTSTRAP": uris[0]}
            container = stack.enter_context(running(image, {HTTP: port}, environment=told, network=network, alias=name))
            node = Container(port, P2P, uri, uris[0], Path("/"), container=container)
            stack.callback(node.http.close)
            nodes.append(node)
        for one in nodes:
            one.wait_until_ready()
        eventually(lambda: _is_whole(nodes), READY_S, "all nodes know all")
        yield nodes


def _is_whole(nodes: list[Node]) -> bool:
    seen = [node.ask("GET", "/cluster") for node in nodes]
    return all(len(one["peers"]) == len(nodes) for one in seen) and len({s["raft_info"]["leader"] for s in seen}) == 1


def _collections(node: Node) -> list[Any]:
    found: list[Any] = node.ask("GET", "/collections")["collections"]
    return found


@pytest.fixture
def nodes(cluster: list[Node]) -> Iterator[list[Node]]:
    yield cluster
    for collection in _collections(cluster[0]):
        cluster[0].ask("DELETE", f"/collections/{collection['name']}")
    eventually(lambda: not any(map(_collections, cluster)), READY_S, "no node has a collection")


def test_the_commands_see_the_cluster_and_find_nothing_wrong(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2, 3)
    asked = [
        commands.Node(name, f"http://127.0.0.1:{node.http_port}")
        for name, node in zip(QDRANT_NODES, nodes, strict=True)
    ]
    eventually(lambda: not list(disagreements(look(asked))), READY_S, "the nodes agree")
    (collection,) = {view.collections["docs"].factors for view in look(asked).seen}
    assert collection == (3, 2)
    assert [len(page) for page in asked[1].pages("docs")] == [3]


def test_an_acknowledged_write_outlives_a_node_that_missed_it(nodes: list[Node]) -> None:
    nodes[0].create()
    nodes[0].upsert(1)
    nodes[2].kill()
    nodes[0].upsert(2)
    assert nodes[1].count() == 2
    nodes[2].restart()
    eventually(lambda: all_active(nodes), READY_S, "the node has recovered")
    eventually(lambda: [node.count() for node in nodes] == [2, 2, 2], READY_S, "it has what it missed")
    assert nodes[0].content().keys() == nodes[2].content().keys() == {1, 2}
