"""A node that can't be reached any more, though it reaches the others: each advertises a relay's address."""

import httpx
import pytest

from tests.integration.embedded.qdrant.nodes import Node, all_active
from tests.integration.embedded.qdrant.relay import Relay
from tests.waiting import wait_for


def test_a_node_cut_off_counts_as_dead_and_recovers_when_it_is_healed(nodes: list[Node], relays: list[Relay]) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2)
    relays[0].close()
    nodes[1].upsert(3)  # acknowledged by 1 and 2
    assert sorted(nodes[1].states()) == ["Active", "Active", "Dead"]
    wait_for(lambda: nodes[0].states()[0] == "Dead", "node 0 has heard that it counts as dead")
    assert nodes[0].count() == 3  # so it has another node answer
    nodes[0].upsert(4)  # and another coordinate
    assert nodes[1].content().keys() == {1, 2, 3, 4}
    assert nodes[0].states()[0] == "Dead"  # it would only be waited for again
    relays[0].heal()
    wait_for(lambda: all_active(nodes), "node 0 has recovered")
    assert nodes[0].content() == nodes[1].content() == nodes[2].content()


def test_a_node_in_the_dark_holds_up_the_first_write_only(nodes: list[Node], relays: list[Relay]) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2)
    relays[2].darken()
    body = {"points": [{"id": 3, "vector": [1, 2, 3, 4]}]}
    with pytest.raises(httpx.ReadTimeout):
        nodes[0].http.put("/collections/docs/points", json=body, timeout=0.5)
    assert nodes[1].count() == 3  # reads don't wait
    wait_for(lambda: "Dead" in nodes[0].states(), "node 2 counts as dead")
    assert nodes[0].http.put("/collections/docs/points", json=body, timeout=0.5).status_code == 200
    relays[2].heal()
    wait_for(lambda: all_active(nodes), "node 2 has recovered")
    assert [node.count() for node in nodes] == [3, 3, 3]


def test_a_node_alone_refuses_writes_and_keeps_what_it_took(nodes: list[Node], relays: list[Relay]) -> None:
    nodes[0].create()
    nodes[0].upsert(1, 2)
    relays[1].close()
    relays[2].close()
    assert "tcp connect error: Connection refused" in nodes[0].upsert(3, status=500)
    assert nodes[0].count() == 3
    relays[1].heal()
    relays[2].heal()
    assert [node.count() for node in nodes] == [3, 2, 2]
    assert all_active(nodes)
    nodes[0].upsert(3)  # a repetition puts it right
    assert [node.count() for node in nodes] == [3, 3, 3]
