"""The vector cluster against what every collection is to have, and against the collections that the database knows."""

from collections.abc import Collection, Iterator

from infra.drift.drift import ABSENT, Drift
from infra.qdrant.agreement import cluster_of, views_apart
from infra.qdrant.view import View, Views
from services.collections.replicas import COLLECTION as MARKERS

CLUSTER = "qdrant-0"
"""The component under which is told what concerns the cluster as a whole."""


def compare(views: Views, factors: tuple[int, int]) -> Iterator[Drift]:
    """Nodes that do not answer or see something else, and collections with other factors or without a whole replica."""
    yield from (Drift(name, "silent", "", "answers", said) for name, said in views.silent.items())
    if not views.seen:
        return
    cluster = cluster_of(views)
    for view in views.seen:
        if view.peer not in cluster.members:
            yield Drift(view.node.name, "cluster", "", "a member of the cluster", "outside of it")
        else:
            yield from (
                Drift(view.node.name, "cluster", "", "sees what all see", s) for s in views_apart(view, cluster)
            )
    for name in cluster.collections:
        yield from _replicas(views, cluster, name, factors)


def _replicas(views: Views, cluster: View, name: str, factors: tuple[int, int]) -> Iterator[Drift]:
    one = cluster.collections[name]
    if one.factors != factors:
        yield Drift(CLUSTER, "factors", name, _factors(factors), _factors(one.factors))
    for states in one.states.values():
        for peer, state in states.items():
            if state != "Active":
                yield Drift(CLUSTER, "replica", f"{name} at {views.name_of(peer)}", "Active", state)
        if len(states) < factors[0]:
            yield Drift(CLUSTER, "replica", name, f"{factors[0]} replicas", f"{len(states)}")


def _factors(factors: tuple[int, int]) -> str:
    return f"{factors[0]} copies, {factors[1]} acknowledge"


def compare_database(views: Views, known: Collection[str], indexed: Collection[str]) -> Iterator[Drift]:
    """Collections that only one of the two has.

    Args:
        known: the collections in the database.
        indexed: those of them of which documents are said to be in the cluster.
    """
    if not views.seen:
        return
    cluster = cluster_of(views)
    for name in sorted(set(indexed) - cluster.collections.keys()):
        yield Drift(CLUSTER, "collection lost", name, "in the cluster", ABSENT)
    for name in sorted(cluster.collections.keys() - {*known, MARKERS}):
        points = f"{cluster.collections[name].points} points"
        yield Drift(CLUSTER, "collection unknown", name, ABSENT, points, at=cluster.node.url)
