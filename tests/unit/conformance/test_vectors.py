from typing import Any

import pytest

from conformance.checks import vectors
from conformance.sample import NAME, Contents, Sample
from tests.unit.conformance.conftest import Answer, Asked, Lab, Said

CONTENTS = Contents(("a.md",), 4, "a")
AGREE = "all nodes agree on the cluster and its replicas"
LEADER = "all nodes name the same leader and term"
FACTORS = "every collection has the factors of the manifest"
EVERYWHERE = "every node has what was ingested"


@pytest.fixture(autouse=True)
def _ingested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "contents", CONTENTS)


def node(peer: int, **changes: Any) -> Answer:
    """A node of three that holds everything, as the others do."""
    peers = changes.get("peers", (1, 2, 3))
    raft = {"leader": 1, "term": 7, "pending_operations": 0, **changes.get("raft", {})}
    shards = [{"shard_id": 0, "peer_id": one, "state": changes.get("state", "Active")} for one in peers]
    local = [{**shard, "points_count": 4} for shard in shards if shard["peer_id"] == peer]
    factors = dict(zip(("replication_factor", "write_consistency_factor"), changes.get("factors", (3, 2)), strict=True))
    results: dict[str, Any] = {
        "/cluster": {"status": "enabled", "peer_id": peer, "peers": {str(one): {} for one in peers}, "raft_info": raft},
        "/collections": {"collections": [{"name": NAME}]},
        f"/collections/{NAME}": {"config": {"params": factors}},
        f"/collections/{NAME}/cluster": {
            "peer_id": peer,
            "local_shards": local,
            "remote_shards": [shard for shard in shards if shard["peer_id"] != peer],
        },
        f"/collections/{NAME}/points/count": {"count": changes.get("count", 4)},
    }

    def answer(asked: Asked) -> Said:
        return Said(200, {"result": results[asked.route]})

    return answer


def three(third: Answer) -> dict[str, Answer]:
    return {"qdrant-0/http": node(1), "qdrant-1/http": node(2), "qdrant-2/http": third}


def test_three_nodes_that_agree_conform(lab: Lab) -> None:
    assert lab.failed(vectors, three(node(3))) == {}


@pytest.mark.parametrize(
    ("third", "noticed"),
    [
        (node(3, peers=(3,)), {AGREE}),
        (node(3, state="Dead"), {AGREE}),
        (node(3, raft={"term": 8}), {LEADER}),
        (node(3, raft={"leader": None}), {LEADER}),
        (node(3, raft={"pending_operations": 2}), {LEADER}),
        (node(3, factors=(1, 1)), {AGREE, FACTORS}),
        (node(3, count=3), {EVERYWHERE}),
        (lambda _: Said(503, {"status": {"error": "starting"}}), {AGREE, LEADER, FACTORS, EVERYWHERE}),
    ],
)
def test_a_node_that_is_different_is_noticed(lab: Lab, third: Answer, noticed: set[str]) -> None:
    assert set(lab.failed(vectors, three(third))) == noticed


def test_collections_on_one_node_of_three_are_noticed(lab: Lab) -> None:
    alone = {f"qdrant-{peer - 1}/http": node(peer, factors=(1, 1)) for peer in (1, 2, 3)}
    assert set(lab.failed(vectors, alone)) == {AGREE, FACTORS}


def test_one_node_alone_holds_everything_whatever_the_factor_says(lab: Lab) -> None:
    assert lab.failed(vectors, {"qdrant-0/http": node(1, peers=(1,))}, replication=(1, 1)) == {}


def test_nodes_that_are_not_published_are_not_judged(lab: Lab) -> None:
    results = lab.results(vectors, lab.stack({"kong/http": node(1)}))
    assert {(one.verdict, one.reason) for one in results} == {("not applicable", "qdrant-0/http is not published")}


def test_a_collection_that_a_node_keeps_is_left(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.check import NonconformingError

    monkeypatch.setattr(Sample, "remove", lambda _: None)
    stack = lab.stack(three(node(3)))
    with pytest.raises(
        NonconformingError, match="conformance was deleted, and is still on qdrant-0, qdrant-1, qdrant-2"
    ):
        vectors.remove(stack, Sample(stack))
