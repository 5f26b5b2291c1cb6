import pytest

from infra.qdrant.agreement import cluster_of, disagreements, needed
from infra.qdrant.everywhere import to_all
from infra.qdrant.node import SilentError
from infra.qdrant.single import leave, to_single
from infra.qdrant.view import View, Views, look
from tests.unit.infra.qdrant.fake import Cluster


def say(_: str) -> None:
    """Nobody listens."""


def test_nodes_that_see_the_same_agree(cluster: Cluster) -> None:
    assert list(disagreements(look(cluster.nodes))) == []
    to_single(cluster.nodes, "qdrant-0", say)
    assert list(disagreements(look(cluster.nodes))) == []
    to_all(cluster.nodes, say)
    assert list(disagreements(look(cluster.nodes))) == []


def test_who_has_left_is_not_missed(cluster: Cluster) -> None:
    to_single(cluster.nodes, "qdrant-2", say)
    leave(cluster.nodes, "qdrant-2", say)
    views = look(cluster.nodes)
    assert cluster_of(views).node.name == "qdrant-2"
    cluster.silent = {1, 2}
    assert list(disagreements(look(cluster.nodes))) == []


def test_who_is_away_and_what_is_not_active_is_told(cluster: Cluster) -> None:
    cluster.silent = {3}
    cluster.turn("docs", 3, "Dead")
    views = look(cluster.nodes)
    assert list(disagreements(views)) == ["1 of 3 members do not answer", "docs: Dead at peer 3"]
    with pytest.raises(SilentError, match="qdrant-2 does not answer"):
        views.of("qdrant-2")


def test_a_replica_too_few_is_told(cluster: Cluster) -> None:
    first = cluster.nodes[0]
    first.ask("POST", "/collections/docs/cluster", {"drop_replica": {"shard_id": 0, "peer_id": 3}})
    said = list(disagreements(look(cluster.nodes)))
    assert said == ["docs: 2 replicas, where the replication factor says 3"]


def test_a_node_that_knows_less_is_told(cluster: Cluster) -> None:
    seen = look(cluster.nodes).seen
    behind = View(seen[2].node, 3, frozenset({1, 3}), {})
    said = list(disagreements(Views((*seen[:2], behind), {})))
    assert said == ["qdrant-2 knows other members than qdrant-0", "qdrant-2 knows other collections than qdrant-0"]


def test_a_node_is_needed_while_another_is_away_or_behind(cluster: Cluster) -> None:
    assert needed(look(cluster.nodes), "qdrant-0") == ""
    cluster.turn("docs", 3, "Dead")
    assert needed(look(cluster.nodes), "qdrant-0") == "docs: Dead at qdrant-2"
    assert needed(look(cluster.nodes), "qdrant-2") == ""
    cluster.silent = {2}
    assert needed(look(cluster.nodes), "qdrant-2") == "qdrant-1 does not answer"
