from dataclasses import replace

import pytest

from infra.probes.vectors import compare, compare_database
from infra.qdrant.view import View, Views, look
from tests.unit.infra.qdrant.fake import Cluster


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.create("docs", {1: "a"})
    cluster.create("_replication", {})
    return cluster


def told(cluster: Cluster) -> list[tuple[str, str, str]]:
    return [drift.place for drift in compare(look(cluster.nodes), (3, 2))]


def test_a_cluster_as_it_is_to_be_does_not_drift(cluster: Cluster) -> None:
    assert told(cluster) == []


def test_other_factors_are_told_for_each_collection(cluster: Cluster) -> None:
    cluster.nodes[0].ask("PATCH", "/collections/docs", {"params": {"write_consistency_factor": 1}})
    assert told(cluster) == [("qdrant-0", "factors", "docs")]


def test_a_replica_that_is_missing_or_not_active_is_told(cluster: Cluster) -> None:
    cluster.turn("docs", 3, "Dead")
    dropped = {"drop_replica": {"shard_id": 0, "peer_id": 2}}
    cluster.nodes[0].ask("POST", "/collections/_replication/cluster", dropped)
    assert told(cluster) == [("qdrant-0", "replica", "_replication"), ("qdrant-0", "replica", "docs at qdrant-2")]


def test_a_node_that_is_silent_or_sees_something_else_is_told(cluster: Cluster) -> None:
    seen = look(cluster.nodes).seen
    behind = View(seen[2].node, 3, frozenset({1, 3}), seen[2].collections)
    views = Views((seen[0], behind), {"qdrant-1": "qdrant-1 does not answer"})
    assert [drift.place for drift in compare(views, (3, 2))] == [
        ("qdrant-1", "silent", ""),
        ("qdrant-2", "cluster", ""),
    ]


def test_a_node_outside_of_the_cluster_is_told(cluster: Cluster) -> None:
    seen = look(cluster.nodes).seen
    inside = [replace(view, members=frozenset({1, 2})) for view in seen]
    assert ("qdrant-2", "cluster", "") in [drift.place for drift in compare(Views(tuple(inside), {}), (3, 2))]


def test_a_collection_that_only_one_of_database_and_cluster_has_is_told(cluster: Cluster) -> None:
    views = look(cluster.nodes)
    assert list(compare_database(views, known={"docs", "empty"}, indexed={"docs"})) == []
    (lost,) = compare_database(views, known={"docs", "gone"}, indexed={"docs", "gone"})
    assert lost.place == ("qdrant-0", "collection lost", "gone")
    (unknown,) = compare_database(views, known=set(), indexed=set())
    assert unknown.place == ("qdrant-0", "collection unknown", "docs")
    assert "curl -X DELETE http://fake/collections/docs" in unknown.repair
