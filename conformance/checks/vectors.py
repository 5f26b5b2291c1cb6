"""The vector nodes are one cluster, and every point is on as many of them as it should be."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from conformance.check import Check, NonconformingError, NotApplicableError, expect
from conformance.sample import NAME, Sample
from conformance.stack import Stack
from infra.qdrant.agreement import disagreements
from infra.qdrant.node import Node, NodeError, path_of
from infra.qdrant.view import Views, look

AGREED_S = 30.0  # after a node's restart: it has to be found alive, and to be sent what it missed


def checks(stack: Stack, sample: Sample) -> Iterator[Check]:
    """Agreement, factors, and where a document's points are."""
    yield Check("all nodes agree on the cluster and its replicas", partial(agree, stack))
    yield Check("all nodes name the same leader and term", partial(_same_leader, stack))
    yield Check("every collection has the factors of the manifest", partial(_factors, stack))
    yield Check("every node has what was ingested", partial(everywhere, stack, sample))


def nodes(stack: Stack) -> list[Node]:
    """The vector nodes; raises NotApplicableError where one is not published."""
    return [Node(name, stack.url(name)) for name in stack.designed if name.startswith("qdrant-")]


def _views(stack: Stack) -> Views:
    views = look(nodes(stack))
    expect(not views.silent, "; ".join(views.silent.values()))
    return views


def agree(stack: Stack) -> None:
    """Raise NonconformingError unless all nodes are members, know the same, and call every replica active."""
    asked = nodes(stack)
    views = _views(stack)
    for view in views.seen:
        expect(len(view.members) == len(asked), f"{view.node.name} knows {len(view.members)} members of {len(asked)}")
    if len(asked) > 1:  # one agrees with itself, and holds what would be on more if there were more
        found = list(disagreements(views))
        expect(not found, "; ".join(found))


def remove(stack: Stack, sample: Sample) -> None:
    """Remove the checks' collection; raise NonconformingError where anything of it is left."""
    sample.remove()
    with suppress(NotApplicableError):  # the nodes are not published
        left = [view.node.name for view in _views(stack).seen if NAME in view.collections]
        expect(not left, f"{NAME} was deleted, and is still on {', '.join(left)}")


def _same_leader(stack: Stack) -> None:
    said = {}
    for node in nodes(stack):
        try:
            cluster = node.ask("GET", "/cluster")
        except NodeError as error:
            raise NonconformingError(str(error)) from None
        raft = cluster["raft_info"]
        expect(raft["leader"], f"{node.name} knows no leader")
        expect(not raft["pending_operations"], f"{node.name} has {raft['pending_operations']} pending operations")
        said[node.name] = (raft["leader"], raft["term"])
    expect(len(set(said.values())) == 1, f"leader and term differ: {said}")


def _factors(stack: Stack) -> None:
    views = _views(stack)
    for view in views.seen:
        for name, collection in view.collections.items():
            # A factor beyond the number of nodes asks for no more than there are.
            factors = tuple(min(factor, len(views.seen)) for factor in collection.factors)
            expect(
                factors == stack.manifest.replication,
                f"{name}: {view.node.name} has replication factor and write consistency {factors}; "
                f"expected {stack.manifest.replication}",
            )


def everywhere(stack: Stack, sample: Sample) -> None:
    """Raise NonconformingError unless every node has all points of the checks' collection."""
    chunks = sample.contents.chunks
    for node in nodes(stack):
        try:
            count = node.ask("POST", path_of(NAME, "/points/count"), {"exact": True})["count"]
        except NodeError as error:
            raise NonconformingError(str(error)) from None
        expect(count == chunks, f"{node.name} has {count} points of the {chunks} that were ingested")
