"""One cluster behind relays for the whole package; each test finds it whole and without collections."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.embedded.qdrant.nodes import Node, cluster, free_ports
from tests.integration.embedded.qdrant.relay import Relay
from tests.waiting import wait_for


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Node], list[Relay]]]:
    ports = free_ports(9)
    http_ports, p2p_ports, relay_ports = ports[:3], ports[3:6], ports[6:]
    with ExitStack() as stack:
        relays = [
            stack.enter_context(Relay(port, target).running())
            for port, target in zip(relay_ports, p2p_ports, strict=True)
        ]
        directory = tmp_path_factory.mktemp("qdrant")
        yield stack.enter_context(cluster(directory, http_ports, p2p_ports, relay_ports)), relays


@pytest.fixture
def relays(running: tuple[list[Node], list[Relay]]) -> list[Relay]:
    return running[1]


@pytest.fixture
def nodes(running: tuple[list[Node], list[Relay]]) -> Iterator[list[Node]]:
    nodes, relays = running
    yield nodes
    for relay in relays:
        relay.heal()
    for node in nodes:
        node.revive()
    for node in nodes:
        node.wait_until_ready()
    for collection in nodes[0].ask("GET", "/collections")["collections"]:
        nodes[0].ask("DELETE", f"/collections/{collection['name']}")
    wait_for(lambda: all(not node.ask("GET", "/cluster")["message_send_failures"] for node in nodes), "all is well")
