import pytest

from infra.qdrant import everywhere
from infra.qdrant.everywhere import to_all
from infra.qdrant.node import NodeError, SilentError
from infra.qdrant.single import leave, to_single
from infra.qdrant.steps import SwitchError, factors_for
from tests.unit.infra.qdrant.fake import PARAMS, Cluster, KilledError


def say(_: str) -> None:
    """Nobody listens."""


def factors(cluster: Cluster, name: str = "docs") -> tuple[int, int]:
    params = cluster.one(name).params
    return params.replication_factor, params.write_consistency_factor


def test_one_node_holds_everything_alone_and_then_all_do_again(cluster: Cluster) -> None:
    to_single(cluster.nodes, "qdrant-1", say)
    for name in ("docs", "a b"):
        assert cluster.one(name).active == [2]
        assert factors(cluster, name) == (1, 1)
    cluster.points[2, "docs"][3] = "meanwhile"
    to_all(cluster.nodes, say)
    for name in ("docs", "a b"):
        assert cluster.one(name).active == [1, 2, 3]
        assert factors(cluster, name) == (3, 2)
    assert all(cluster.points[peer, "docs"] == {1: "a", 2: "b", 3: "meanwhile"} for peer in (1, 2, 3))


def test_what_is_done_already_is_not_done_again(cluster: Cluster) -> None:
    to_all(cluster.nodes, say)
    assert cluster.changes == 0
    to_single(cluster.nodes, "qdrant-0", say)
    changes = cluster.changes
    to_single(cluster.nodes, "qdrant-0", say)
    assert cluster.changes == changes
    leave(cluster.nodes, "qdrant-0", say)
    changes = cluster.changes
    leave(cluster.nodes, "qdrant-0", say)
    assert cluster.changes == changes
    assert cluster.document.peers.keys() == {1}


@pytest.mark.parametrize("step", range(1, 13))
def test_whoever_was_killed_before_any_step_goes_on_there(cluster: Cluster, step: int) -> None:
    def both_ways() -> None:
        to_single(cluster.nodes, "qdrant-0", say)
        to_all(cluster.nodes, say)

    def served() -> None:
        assert all(one.active for one in cluster.document.collections.values())

    cluster.watch = served
    cluster.killed_at = step
    with pytest.raises(KilledError):
        both_ways()
    both_ways()
    assert [cluster.one(name).active for name in ("docs", "a b")] == [[1, 2, 3]] * 2
    assert factors(cluster) == (3, 2)
    assert cluster.points[3, "docs"] == {1: "a", 2: "b"}


def test_who_is_away_loses_its_replica_and_leaves_first(cluster: Cluster) -> None:
    cluster.silent = {3}
    cluster.turn("docs", 3, "Dead")
    said: list[str] = []
    to_single(cluster.nodes, "qdrant-0", said.append)
    leave(cluster.nodes, "qdrant-0", said.append)
    assert cluster.one("docs").active == [1]
    drops = [line for line in said if line.startswith("docs") and "given up" in line]
    assert drops == ["docs: peer 3 has given up its replica", "docs: qdrant-1 has given up its replica"]
    assert said[-2:] == ["peer 3 has left the cluster", "qdrant-1 has left the cluster"]


def test_a_node_that_is_not_active_is_not_kept(cluster: Cluster) -> None:
    cluster.turn("docs", 1, "Dead")
    cluster.copy = lambda *_: None  # type: ignore[method-assign]  # it does not recover
    with pytest.raises(SwitchError, match="docs: not every node says that qdrant-0 has an Active replica"):
        to_single(cluster.nodes, "qdrant-0", say)
    assert cluster.changes == 0


def test_a_node_that_does_not_answer_is_not_kept(cluster: Cluster) -> None:
    cluster.silent = {1}
    with pytest.raises(SilentError, match="qdrant-0 does not answer"):
        to_single(cluster.nodes, "qdrant-0", say)


def test_a_node_that_differs_from_the_majority_is_not_kept(cluster: Cluster) -> None:
    cluster.points[1, "docs"][9] = "refused, but kept"
    with pytest.raises(SwitchError, match="qdrant-0 differs from qdrant-1 and qdrant-2 in 1 points, such as 9"):
        to_single(cluster.nodes, "qdrant-0", say)
    assert cluster.changes == 0
    said: list[str] = []
    to_single(cluster.nodes, "qdrant-1", said.append)
    assert "docs: qdrant-0 differs from the others in 1 points: 9" in said
    assert cluster.points[2, "docs"] == {1: "a", 2: "b"}


def test_of_two_that_differ_none_is_kept(cluster: Cluster) -> None:
    cluster.silent = {3}
    cluster.points[1, "docs"][1] = "other"
    for keep in ("qdrant-0", "qdrant-1"):
        with pytest.raises(SwitchError, match="differs from"):
            to_single(cluster.nodes, keep, say)


def test_nobody_leaves_who_holds_something(cluster: Cluster) -> None:
    with pytest.raises(SwitchError, match="docs: not on qdrant-0 alone yet"):
        leave(cluster.nodes, "qdrant-0", say)
    assert len(cluster.document.peers) == 3


def test_all_nodes_must_run_and_be_members_to_be_given_copies(cluster: Cluster) -> None:
    to_single(cluster.nodes, "qdrant-0", say)
    cluster.silent = {3}
    with pytest.raises(SwitchError, match="all nodes must run: qdrant-2 does not answer"):
        to_all(cluster.nodes, say)
    cluster.silent = set()
    leave(cluster.nodes, "qdrant-0", say)
    with pytest.raises(SwitchError, match="outside of it: qdrant-1, qdrant-2"):
        to_all(cluster.nodes, say)


def test_a_copy_that_does_not_grow_is_given_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    to_single(cluster.nodes, "qdrant-0", say)
    monkeypatch.setattr(everywhere, "STALL_S", 0.01)
    cluster.copy = lambda *_: None  # type: ignore[method-assign]  # nothing comes
    with pytest.raises(SwitchError, match="the copy at qdrant-1 has not grown"):
        to_all(cluster.nodes, say)
    assert factors(cluster) == (1, 1)


def test_copies_that_differ_are_not_called_complete(cluster: Cluster) -> None:
    cluster.document = cluster.document.__class__("c", 1, cluster.document.peers)
    cluster.create("docs", {1: "a"})
    to_single(cluster.nodes, "qdrant-0", say)
    copy = Cluster.copy

    def badly(name: str, peer: int) -> None:
        copy(cluster, name, peer)
        cluster.points[peer, name].pop(1, None) if peer == 3 else None

    cluster.copy = badly  # type: ignore[method-assign]
    with pytest.raises(SwitchError, match="qdrant-2 differs from qdrant-0 in 1 points, such as 1"):
        to_all(cluster.nodes, say)
    assert factors(cluster) == (1, 1)


def test_a_refusal_says_what_the_node_said(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    with pytest.raises(NodeError, match="400: Bad request: Cannot remove peer 2 as there are shards on it"):
        node.ask("DELETE", "/cluster/peer/2")


def test_a_majority_acknowledges() -> None:
    assert [factors_for(count) for count in (1, 2, 3, 5)] == [(1, 1), (2, 2), (3, 2), (5, 3)]
    assert (PARAMS.replication_factor, PARAMS.write_consistency_factor) == factors_for(3)
