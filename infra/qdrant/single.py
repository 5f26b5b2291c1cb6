"""From replicas on every node to one node that holds everything alone, while the cluster is in use.

Every step is a request to Qdrant that leaves the cluster whole, and what is to be done next is always read from
the cluster. So whoever was interrupted repeats the same command, and one that has nothing to do does nothing.
The factors are lowered last: while there are several replicas, one alone does not acknowledge a write.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.qdrant.contents import PointId, differences
from infra.qdrant.node import Node, path_of
from infra.qdrant.steps import Say, SwitchError, factors_for, set_factors, settled, some
from infra.qdrant.view import View, Views, look


def to_single(nodes: Sequence[Node], keep: str, say: Say) -> None:
    """Have the node `keep` alone hold every collection and acknowledge its writes; the others pass requests on.

    Raises SwitchError where that node does not hold everything, and NodeError where a node refuses.
    """
    switch = _Switch(nodes, keep, say)
    while left := _shared(look(nodes).of(keep)):
        for name in left:
            switch.check_complete(name)
        for name in left:
            switch.make_single(name)


def leave(nodes: Sequence[Node], keep: str, say: Say) -> None:
    """Have all nodes but `keep` leave the cluster, so that it needs nobody's agreement any more.

    Raises SwitchError unless it holds everything alone, and NodeError where the cluster does not agree.
    """
    views = look(nodes)
    kept = views.of(keep)
    if shared := _shared(kept):
        raise SwitchError(f"{', '.join(shared)}: not on {keep} alone yet, so the others can't leave")
    answering = {view.peer for view in views.seen}
    # Who is away goes first: the majority that has to agree is then one of those who answer.
    for peer in sorted(kept.members - {kept.peer}, key=lambda peer: (peer in answering, peer)):
        kept.node.ask("DELETE", f"/cluster/peer/{peer}")
        say(f"{views.name_of(peer)} has left the cluster")


def _shared(view: View) -> list[str]:
    """The collections that are not, or not only, on the node itself."""
    return [name for name in view.collections if not _is_single(view, name, view.peer)]


def _is_single(view: View, name: str, peer: int) -> bool:
    one = view.collections.get(name)
    return one is not None and one.factors == factors_for(1) and {p for _, p in one.placed} == {peer}


@dataclass(frozen=True)
class _Switch:
    nodes: Sequence[Node]
    keep: str
    say: Say

    def check_complete(self, name: str) -> None:
        """Raise SwitchError unless the kept node's replica is Active, and holds what the majority's do."""
        views = self._settled(name, View.active_on, f"not every node says that {self.keep} has an Active replica")
        kept = views.of(self.keep)
        found = {
            view.node.name: differences(kept.node, view.node, name)
            for view in views.seen
            if view is not kept and view.active_on(name, view.peer)
        }
        if not found:
            return
        others = " and ".join(found)
        if odd := set[PointId].intersection(*found.values()):
            raise SwitchError(
                f"{name}: {self.keep} differs from {others} in {len(odd)} points, such as {some(odd)}. "
                "A write that was refused may be the cause; `breakwater replicas --repair` puts it right"
            )
        for other, differing in found.items():
            if differing:
                self.say(f"{name}: {other} differs from the others in {len(differing)} points: {some(differing)}")
        self.say(f"{name}: {self.keep} holds everything; compared with {others}")

    def make_single(self, name: str) -> None:
        views = look(self.nodes)
        kept = views.of(self.keep)
        one = kept.collections[name]
        others = [(shard, peer) for shard, peer in one.placed if peer != kept.peer]
        # Dead ones first: what is left then still suffices to acknowledge a write.
        for shard, peer in sorted(others, key=lambda placed: one.states[placed[0]][placed[1]] == "Active"):
            dropped = {"drop_replica": {"shard_id": shard, "peer_id": peer}}
            kept.node.ask("POST", path_of(name, "/cluster"), dropped)
            self.say(f"{name}: {views.name_of(peer)} has given up its replica")
        set_factors(kept, name, factors_for(1), self.say)
        self._settled(name, _is_single, f"not every node says that it is on {self.keep} alone")

    def _settled(self, name: str, condition: Callable[[View, str, int], bool], words: str) -> Views:
        """What the members of the kept node's cluster see, once the condition holds for it in the eyes of all."""

        def members() -> Views:
            views = look(self.nodes)
            return views.within(views.of(self.keep).members)

        def trouble(views: Views) -> str:
            peer = views.of(self.keep).peer
            return "" if all(condition(view, name, peer) for view in views.seen) else f"{name}: {words}"

        return settled(members, trouble, self.say)
