from pathlib import Path

import pytest

from chaos.faults import FaultNotInForceError, SingleNode, single_node
from chaos.stack import Stack
from infra.qdrant.node import Node
from infra.qdrant.view import Collection, View, Views
from infra.targets.local.paths import StackPaths
from infra.topology import topology

KEPT, OTHER = 11, 12


def seen(*peers: int) -> Views:
    """What qdrant-0 sees where the peers have replicas of a collection."""
    one = Collection((1, 1), {0: dict.fromkeys(peers, "Active")}, 5)
    return Views((View(Node("qdrant-0", ""), KEPT, frozenset({KEPT, OTHER}), {"docs": one}),), {})


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack("test", StackPaths(tmp_path), topology(100))


def test_it_says_who_stays() -> None:
    fault = SingleNode("qdrant-1")
    assert (fault.describe(), fault.target) == ("qdrant-1 alone holds every collection", "qdrant-1")


def test_it_is_in_force_where_no_other_node_has_a_replica(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_node, "look", lambda _: seen(KEPT))
    SingleNode().verify(stack, {})


def test_it_is_not_in_force_where_another_node_has_one(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_node, "look", lambda _: seen(KEPT, OTHER))
    with pytest.raises(FaultNotInForceError, match="docs is not on qdrant-0 alone"):
        SingleNode().verify(stack, {})
