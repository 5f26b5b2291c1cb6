"""What was acknowledged is there after kill -9; what was deleted is gone."""

import shutil
import signal
import threading

import httpx
import pytest

from tests.integration.embedded.qdrant.nodes import Node, all_active, vector_for
from tests.waiting import wait_for


def test_a_cluster_killed_amid_writes_has_every_acknowledged_one(nodes: list[Node]) -> None:
    acknowledged: list[int] = []

    def write() -> None:
        with httpx.Client(timeout=5) as http:
            for first in range(0, 100_000, 10):
                ids = range(first, first + 10)
                points = [{"id": i, "vector": vector_for(i)} for i in ids]
                try:
                    url = f"http://127.0.0.1:{nodes[0].http_port}/collections/docs/points"
                    assert http.put(url, json={"points": points}).status_code == 200
                except httpx.TransportError:
                    return
                acknowledged.extend(ids)

    nodes[0].create()
    nodes[0].ask("PUT", "/collections/docs/index", {"field_name": "n", "field_schema": "integer"})
    writer = threading.Thread(target=write)
    writer.start()
    wait_for(lambda: len(acknowledged) > 300, "some writes are acknowledged")
    for node in nodes:
        node.signal(signal.SIGKILL)
    for node in nodes:
        node.kill()
    writer.join()
    for node in reversed(nodes):  # any order will do
        node.start()
    for node in nodes:
        node.wait_until_ready()
    for node in nodes:
        assert node.content().keys() >= set(acknowledged)
        assert node.ask("GET", "/collections/docs")["payload_schema"]["n"]["data_type"] == "integer"
    assert all_active(nodes)
    nodes[2].upsert(1)


def test_a_node_that_was_down_follows_what_happened_to_collections(nodes: list[Node]) -> None:
    for name in ("kept", "deleted", "replaced"):
        nodes[0].create(name)
        nodes[0].upsert(1, name=name)
    nodes[2].kill()
    for name in ("deleted", "replaced"):
        assert nodes[1].ask("DELETE", f"/collections/{name}") is True
    nodes[0].create("replaced")
    nodes[0].create("new")
    nodes[0].upsert(7, name="new")
    nodes[2].restart()
    wait_for(lambda: all_active(nodes, "new"), "it has copied the new collection")
    assert nodes[2].count("kept") == nodes[2].count("new") == 1
    assert nodes[2].count("replaced") == 0
    assert not nodes[2].ask("GET", "/collections/deleted/exists")["exists"]
    for node in nodes:
        assert len(list((node.storage / "collections").iterdir())) == 3


@pytest.mark.parametrize("lost", [0, 1], ids=["founder", "joined"])
def test_a_node_that_lost_its_storage_is_given_everything_again(nodes: list[Node], lost: int) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2, 3)
    nodes[lost].kill()
    shutil.rmtree(nodes[lost].storage)
    nodes[lost].restart()
    wait_for(lambda: all_active(nodes), "it has copied the collection")
    assert nodes[lost].content() == nodes[2].content()
    assert all(len(node.ask("GET", "/cluster")["peers"]) == 3 for node in nodes)
