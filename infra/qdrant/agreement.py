"""Whether the nodes agree on who they are and on every collection's replicas."""

from collections.abc import Iterator

from infra.qdrant.view import View, Views


def cluster_of(views: Views) -> View:
    """The view to go by: of a node that is a member, in the larger cluster, and with more collections."""

    def standing(view: View) -> tuple[bool, int, int]:
        held = sum(view.active_on(name, view.peer) for name in view.collections)
        return view.peer in view.members, len(view.members), held

    return max(views.seen, key=standing)


def disagreements(views: Views, *, absent: int = 0) -> Iterator[str]:
    """What is not as it should be, in words; nothing about nodes that have left the cluster.

    Up to `absent` members may be away, with the replicas that they have.
    """
    cluster = cluster_of(views)
    members = views.within(cluster.members)
    away = cluster.members - {view.peer for view in members.seen}
    excused = away if len(away) <= absent else frozenset[int]()
    if away - excused:
        needed_ones = " that are needed" if absent else ""
        yield f"{len(away) - absent} of {len(cluster.members) - absent} members{needed_ones} do not answer"
    for view in members.seen:
        yield from views_apart(view, cluster)
    for name, one in cluster.collections.items():
        for states in one.states.values():
            wrong = {peer: s for peer, s in states.items() if s != "Active" and peer not in excused}
            yield from (f"{name}: {s} at {views.name_of(peer)}" for peer, s in wrong.items())
            if len(states) != one.factors[0]:
                yield f"{name}: {len(states)} replicas, where the replication factor says {one.factors[0]}"


def needed(views: Views, name: str) -> str:
    """Why the node of that name must not go away now: another is, or is behind; empty if it may."""
    away = [said for node, said in views.silent.items() if node != name]
    others = {view.peer for view in views.seen if view.node.name != name}
    behind = (
        f"{collection}: {state} at {views.name_of(peer)}"
        for view in views.seen
        for collection, one in view.collections.items()
        for states in one.states.values()
        for peer, state in states.items()
        if peer in others and state != "Active"
    )
    return "; ".join((*away, *dict.fromkeys(behind)))


def views_apart(view: View, cluster: View) -> Iterator[str]:
    """Where a member sees something else than the one to go by."""
    if view.members != cluster.members:
        yield f"{view.node.name} knows other members than {cluster.node.name}"
    if view.collections.keys() != cluster.collections.keys():
        yield f"{view.node.name} knows other collections than {cluster.node.name}"
    for name in view.collections.keys() & cluster.collections.keys():
        one, other = view.collections[name], cluster.collections[name]
        if (one.factors, one.states) != (other.factors, other.states):
            yield f"{name}: {view.node.name} sees other replicas than {cluster.node.name}"
