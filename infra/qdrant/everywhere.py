"""From fewer replicas to one on every node, while the cluster is in use; each step as in `single`.

The factors are raised last: until all copies are complete, a write must not have to be acknowledged by one of them.
"""

import time
from collections.abc import Sequence

from infra.qdrant.contents import differences
from infra.qdrant.node import Node, path_of
from infra.qdrant.steps import POLL_S, Say, SwitchError, factors_for, set_factors, settled, some
from infra.qdrant.view import Views, look

STALL_S = 60.0  # a copy that does not grow for that long has failed
TOLD_S = 2.0  # between two words on a copy under way


def to_all(nodes: Sequence[Node], say: Say) -> None:
    """Have every node hold every collection, and a majority of them acknowledge each write.

    Raises SwitchError where nodes are missing or a copy fails, and NodeError where a node refuses.
    """
    while True:
        views = _together(nodes, say)
        left = [name for name in views.seen[0].collections if not _is_everywhere(views, name)]
        if not left:
            return
        for name in left:
            _put_everywhere(nodes, name, say)


def _is_everywhere(views: Views, name: str) -> bool:
    """Whether all nodes say so, and of each other too."""
    peers = [view.peer for view in views.seen]
    return all(
        name in view.collections
        and view.collections[name].factors == factors_for(len(peers))
        and all(view.active_on(name, peer) for peer in peers)
        for view in views.seen
    )


def _put_everywhere(nodes: Sequence[Node], name: str, say: Say) -> None:
    for node in nodes:  # one after the other: Qdrant lets a replica be the source of one copy at a time
        _copy_to(nodes, node.name, name, say)
    views = _together(nodes, say)
    first, *others = views.seen
    for view in others:
        if differing := differences(first.node, view.node, name):
            raise SwitchError(
                f"{name}: {view.node.name} differs from {first.node.name} in {len(differing)} points, "
                f"such as {some(differing)}; write them again by a reindex, then repeat this"
            )
    say(f"{name}: all nodes hold the same")
    set_factors(first, name, factors_for(len(nodes)), say)
    complete = f"{name}: not every node says that it is everywhere"
    settled(lambda: look(nodes), lambda views: _apart(views) or ("" if _is_everywhere(views, name) else complete), say)


def _copy_to(nodes: Sequence[Node], target: str, name: str, say: Say) -> None:
    """Have the node hold the collection; raises SwitchError if there is nothing to copy from, or the copy stalls."""
    views = _together(nodes, say)
    peer, asked = views.of(target).peer, views.seen[0]
    if all(view.active_on(name, peer) for view in views.seen):
        return
    if name not in asked.collections:
        raise SwitchError(f"{name}: deleted meanwhile; repeat this for the others")
    for shard, states in asked.collections[name].states.items():
        source = next((p for p, state in states.items() if state == "Active"), None)
        if source is None:
            raise SwitchError(f"{name}: no replica of shard {shard} is Active, so there is nothing to copy from")
        if peer not in states:  # what is there already, and not Active, Qdrant recovers by itself
            copied = {"shard_id": shard, "from_peer_id": source, "to_peer_id": peer}
            asked.node.ask("POST", path_of(name, "/cluster"), {"replicate_shard": copied})
    say(f"{name}: {target} copies it")
    _wait_for_copy(nodes, target, name, say)
    say(f"{name}: {target} has everything")


def _wait_for_copy(nodes: Sequence[Node], target: str, name: str, say: Say) -> None:
    seen: object = None
    told = grown = time.monotonic()
    while True:
        views, now = look(nodes), time.monotonic()
        if not views.silent and all(view.active_on(name, views.of(target).peer) for view in views.seen):
            return
        copies = [view.collections.get(name) for view in views.seen if view.node.name == target]
        if copies != seen:
            seen, grown = copies, now
        if now - grown > STALL_S:
            raise SwitchError(f"{name}: the copy at {target} has not grown for {STALL_S:g} s; its log may say why")
        if now - told > TOLD_S:
            told = now
            say(f"{name}: {target} has {sum(one.points for one in copies if one)} points")
        time.sleep(POLL_S)


def _together(nodes: Sequence[Node], say: Say) -> Views:
    """What the nodes see once they all answer and are members of one cluster; raises SwitchError if they aren't."""
    return settled(lambda: look(nodes), _apart, say)


def _apart(views: Views) -> str:
    """Why the nodes are not all in one cluster, if they aren't."""
    if views.silent:
        return f"all nodes must run: {'; '.join(views.silent.values())}"
    peers = {view.peer for view in views.seen}
    outside = [view.node.name for view in views.seen if any(view.peer not in other.members for other in views.seen)]
    if all(peers <= view.members for view in views.seen):
        return ""
    return (
        f"not all nodes are members of one cluster; outside of it: {', '.join(outside)}. "
        "A node that left joins again when it is restarted (a real Qdrant only with empty storage)"
    )
