from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.collections.replicas import node as module
from services.collections.replicas.node import Held, Node, NodeUnavailableError, Page, nodes_at
from services.common.errors import NotFoundError
from services.common.http import Http
from tests.servers import REFUSING, Answer, drops, hangs, says, upstream

RECORDED = {
    "peer_id": 6293961937175955,
    "shard_count": 1,
    "local_shards": [{"shard_id": 0, "points_count": 10, "state": "Active"}],
    "remote_shards": [
        {"shard_id": 0, "peer_id": 3288705302037561, "state": "Dead"},
        {"shard_id": 0, "peer_id": 5448111252412079, "state": "Active"},
    ],
    "shard_transfers": [],
}
"""What a node of a real Qdrant 1.18.3 answered, but for the state of the first remote shard."""


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


def result(value: Any) -> Answer:
    return says({"result": value, "status": "ok"})


def local(*states: str, shards: int = 1) -> dict[str, Any]:
    return RECORDED | {"shard_count": shards, "local_shards": [{"shard_id": 0, "state": state} for state in states]}


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (RECORDED, "Active"),
        (local("Dead"), "Dead"),
        (local("Active", "Partial", shards=2), "Partial"),
        (local(), "Absent"),
        (local("Active", shards=2), "Absent"),
    ],
)
async def test_a_nodes_state_is_that_of_its_own_shards(http: Http, said: Any, state: str) -> None:
    async with upstream(result(said)) as server:
        assert await Node("qdrant-1", server.url, http).state("docs") == state
        assert server.asked == [("GET", "/collections/docs/cluster", None)]


async def test_a_page_has_payloads_vectors_and_the_id_that_follows(http: Http) -> None:
    points = [{"id": 1, "vector": [1.0], "payload": {"path": "a"}}, {"id": "u", "vector": {"named": [2.0]}}]
    async with upstream(result({"points": points, "next_page_offset": "v"})) as server:
        page = await Node("qdrant-0", server.url, http).page("a b", 1, 2)
        assert page == Page([Held(1, [1.0], {"path": "a"}), Held("u", {"named": [2.0]}, {})], "v")
        wanted = {"limit": 2, "with_payload": True, "with_vector": True, "offset": 1}
        assert server.asked == [("POST", "/collections/a%20b/points/scroll", wanted)]


@pytest.mark.parametrize("broken", [says({}, 500), says({"result": {}}), says(["?"]), drops, hangs])
async def test_a_node_that_does_not_say_what_it_holds_is_named(
    http: Http, broken: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXCHANGE_S", 0.05)
    async with upstream(broken) as server:
        node = Node("qdrant-2", server.url, http)
        for asked in (node.state("docs"), node.page("docs", None, 1), node.points("docs", [1])):
            with pytest.raises(NodeUnavailableError, match="qdrant-2"):
                await asked


async def test_a_node_without_the_collection_says_so(http: Http) -> None:
    async with upstream(says({"status": {"error": "Not found"}}, 404)) as server:
        with pytest.raises(NotFoundError, match="qdrant-0 knows no collection 'docs'"):
            await Node("qdrant-0", server.url, http).state("docs")


async def test_nodes_are_called_by_their_place(http: Http) -> None:
    assert [node.name for node in nodes_at([REFUSING, "http://b"], http)] == ["qdrant-0", "qdrant-1"]
