"""When a cluster counts as formed, and each way in which it does not."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.qdrant import formed
from infra.qdrant.formed import Expected, problems, wait
from infra.qdrant.node import Node
from infra.settings import PROJECT_ROOT
from tests.unit.infra.qdrant.fake import Cluster

WHOLE = Expected(3, factors=(3, 2))
RECORDED = PROJECT_ROOT / "tests/integration/embedded/qdrant/fault-exchanges.json"


def found(cluster: Cluster, expected: Expected = WHOLE) -> list[str]:
    return list(problems(cluster.nodes, expected))


def test_nodes_that_agree_are_a_cluster(cluster: Cluster) -> None:
    assert found(cluster) == []


@dataclass(frozen=True)
class Recorded(Node):
    answers: tuple[Any, ...] = ()

    def ask(self, method: str, path: str, body: object = None, *, timeout_s: float = 0) -> Any:
        return self.answers[0]


def test_what_a_real_node_answered_is_understood() -> None:
    exchanges = json.loads(RECORDED.read_text())
    answers = [one["response"]["result"] for one in exchanges if one.get("path") == "/cluster"]
    assert answers
    for answer in answers:
        said = formed._ask(Recorded("qdrant-0", "http://x", (answer,)))
        assert said == formed.Consensus(answer["raft_info"]["leader"], 0, "working")


def say_otherwise(peer: int, **said: Any) -> Callable[[Cluster], None]:
    def change(cluster: Cluster) -> None:
        cluster.consensus[peer] = said

    return change


def silence(cluster: Cluster) -> None:
    cluster.silent = {3}


def kill_replica(cluster: Cluster) -> None:
    cluster.turn("docs", 3, "Dead")


def leave(cluster: Cluster) -> None:
    for name in ("docs", "a b"):
        drop = {"drop_replica": {"shard_id": 0, "peer_id": 3}}
        cluster.nodes[0].ask("POST", f"/collections/{name.replace(' ', '%20')}/cluster", drop)
    cluster.nodes[0].ask("DELETE", "/cluster/peer/3")


def lower_factors(cluster: Cluster) -> None:
    params = {"replication_factor": 3, "write_consistency_factor": 1}
    cluster.nodes[0].ask("PATCH", "/collections/docs", {"params": params})


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (silence, "1 of 3 members do not answer"),
        (kill_replica, "docs: Dead at qdrant-2"),
        (leave, "the cluster has 2 members of 3"),
        (lower_factors, "docs: the replication and write consistency factors are 3/1, not 3/2"),
        (say_otherwise(2, leader=2), "the nodes follow different leaders: qdrant-0, qdrant-2 peer 1; qdrant-1 peer 2"),
        (say_otherwise(2, leader=None), "qdrant-1: no leader is known"),
        (say_otherwise(1, leader=0), "qdrant-0: no leader is known"),
        (say_otherwise(3, pending_operations=4), "qdrant-2 has 4 changes to do still"),
        (
            say_otherwise(1, thread={"consensus_thread_status": "stopped_with_err", "err": "disk full"}),
            "qdrant-0: its consensus has stopped: stopped_with_err disk full",
        ),
    ],
)
def test_each_way_to_disagree_is_named(cluster: Cluster, break_it: Callable[[Cluster], None], said: str) -> None:
    break_it(cluster)
    assert any(one.startswith(said) for one in found(cluster)), found(cluster)


def test_a_node_that_is_no_member_yet_is_not_missed(cluster: Cluster) -> None:
    leave(cluster)
    cluster.silent = {3}
    assert set(found(cluster, Expected(2))) == {
        f"{name}: 2 replicas, where the replication factor says 3" for name in ("a b", "docs")
    }


def test_no_node_at_all_is_said_by_each() -> None:
    alone = Cluster(silent={1, 2, 3})
    assert found(alone) == [f"qdrant-{peer} does not answer" for peer in range(3)]


def test_it_waits_and_says_once_what_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formed, "POLL_S", 0.001)
    cluster.consensus[2] = {"leader": 2}
    said: list[str] = []

    def settle(words: str) -> None:
        said.append(words)
        if len(said) == 2:
            cluster.consensus.clear()
        cluster.consensus = {one: {"leader": 3} for one in cluster.consensus}  # another trouble

    assert wait(cluster.nodes, WHOLE, 5.0, say=settle) == []
    assert len(said) == 2
    assert all(words.startswith("waiting: the nodes follow different leaders") for words in said)


def test_it_gives_up_with_what_is_wrong(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formed, "POLL_S", 0.001)
    cluster.consensus[2] = {"pending_operations": 1}
    assert wait(cluster.nodes, WHOLE, 0.01, say=lambda _: None) == ["qdrant-1 has 1 changes to do still"]


def test_the_command_says_what_is_wrong_and_ends_with_1(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = {node.name: node for node in cluster.nodes}
    monkeypatch.setattr(formed, "Node", lambda name, _url: nodes[name])
    given = ["--members", "3", "--factors", "3", "2", "--seconds", "0", *(f"{name}=http://x" for name in nodes)]
    monkeypatch.setattr(sys, "argv", ["formed", *given])
    formed.main()
    assert capsys.readouterr().out == "the cluster of qdrant-0, qdrant-1, qdrant-2 is formed\n"
    cluster.silent = {2}
    with pytest.raises(SystemExit, match="not formed after 0 s:\n  1 of 3 members do not answer"):
        formed.main()
    monkeypatch.setattr(sys, "argv", ["formed", "qdrant-0"])
    with pytest.raises(SystemExit, match="2"):
        formed.main()
    assert "'qdrant-0' is not NAME=URL" in capsys.readouterr().err


def test_a_member_that_may_be_absent_is_not_missed_nor_are_its_replicas(cluster: Cluster) -> None:
    cluster.silent = {2}
    cluster.turn("docs", 2, "Dead")
    others = [cluster.nodes[0], cluster.nodes[2]]
    assert list(problems(others, Expected(absent=1))) == []
    assert list(problems(others, Expected())) == ["1 of 3 members do not answer", "docs: Dead at peer 2"]
    cluster.silent = {2, 3}  # another one too
    said = ["1 of 2 members that are needed do not answer", "docs: Dead at peer 2"]
    assert list(problems(others, Expected(absent=1))) == said
