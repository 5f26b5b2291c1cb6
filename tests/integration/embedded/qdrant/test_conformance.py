"""What a real cluster of three answered, asked of the embedded one."""

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.embedded.qdrant.nodes import Node, all_active
from tests.waiting import wait_for

HERE = Path(__file__).parent
NORMAL = json.loads((HERE / "exchanges.json").read_text())
FAULTS = json.loads((HERE / "fault-exchanges.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types; of a list, its elements' shapes; of an object keyed by ids or addresses, one value's."""
    if isinstance(value, dict):
        if value and all(key.isdecimal() or key.startswith("http") for key in value):
            return {"*": shape(next(iter(value.values())))}
        return {key: shape(field) for key, field in value.items() if key != "message_send_failures"}
    if isinstance(value, list):
        return sorted({json.dumps(shape(element), sort_keys=True) for element in value})
    return "number" if type(value) in (int, float) else type(value).__name__


def replay(nodes: list[Node], exchange: dict[str, Any]) -> Any:
    """Repeat a recorded exchange; the answer must have the recorded status and shape."""
    node = nodes[exchange["node"]]
    if exchange["status"] is None:
        with pytest.raises(httpx.ReadTimeout):
            node.http.request(exchange["method"], exchange["path"], json=exchange["body"], timeout=0.4)
        return None
    response = node.http.request(exchange["method"], exchange["path"], json=exchange["body"])
    assert response.status_code == exchange["status"], (exchange["note"], response.text)
    if isinstance(exchange["response"], str):
        assert response.text == exchange["response"]
        return None
    answer = response.json()
    assert shape(answer) == shape(exchange["response"]), exchange["note"]
    return answer.get("result")


def test_the_recorded_exchanges_of_a_healthy_cluster(nodes: list[Node]) -> None:
    results = {exchange["note"]: replay(nodes, exchange) for exchange in NORMAL}
    assert results["count replica"] == {"count": 10}
    assert results["count filter"] == {"count": 5}
    assert [point["id"] for point in results["query"]["points"]] == [8, 7]
    assert results["scroll"]["next_page_offset"] == 2
    assert [node.count() for node in nodes] == [8, 8, 8]


def test_the_recorded_exchanges_of_a_cluster_under_faults(nodes: list[Node]) -> None:
    recorded = iter(FAULTS)

    def replay_next(count: int) -> list[Any]:
        return [replay(nodes, next(recorded)) for _ in range(count)]

    for exchange in NORMAL:
        replay(nodes, exchange)

    nodes[2].kill()
    *_, shards, _ready, seen, created = replay_next(10)
    assert sorted(replica["state"] for replica in shards["remote_shards"]) == ["Active", "Dead"]
    assert list(seen["message_send_failures"]) == [f"{nodes[2].uri}/"]
    assert created is True

    nodes[1].kill()
    *_, count, _ready, _shards, _create = replay_next(8)
    assert count == {"count": 13}  # the two refused writes stayed here

    nodes[1].restart()
    _, there, here = replay_next(3)
    assert (there, here) == ({"count": 12}, {"count": 14})

    nodes[2].restart()
    wait_for(lambda: all_active(nodes), "node 2 has recovered")
    counts = [count["count"] for count in replay_next(4)]
    assert counts[1:3] == [14, 12]  # nothing repairs them
    assert counts[0] == counts[3]
    assert counts[0] in {12, 14}  # what its source had

    nodes[0].signal(signal.SIGSTOP)
    replay_next(4)
    wait_for(lambda: "Dead" in nodes[1].states(), "node 0 counts as dead")
    replay_next(1)

    nodes[0].signal(signal.SIGCONT)
    wait_for(lambda: all_active(nodes), "node 0 has recovered")
    replay_next(2)
    assert replay_next(1) == [{"count": 15}]
    assert {201, 202, 203} <= nodes[0].content().keys()
    assert next(recorded, None) is None
