"""How the nodes see their cluster: its members, and of every collection the factors and the replicas' states."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from infra.qdrant.node import Node, NodeError, SilentError, path_of

LOOK_S = 5.0  # a node answers about itself in milliseconds, or it hangs


@dataclass(frozen=True)
class Collection:
    """A collection as one node sees it.

    `factors` are on how many nodes a point is to be, and how many of them acknowledge a write; `states` those of the
    replicas by shard and peer; `points` the number in the node's own replica, as far as it is exact.
    """

    factors: tuple[int, int]
    states: Mapping[int, Mapping[int, str]]
    points: int

    def active_on(self, peer: int) -> bool:
        """Whether all that is in the collection can be read at the peer."""
        return all(states.get(peer) == "Active" for states in self.states.values())

    @property
    def placed(self) -> list[tuple[int, int]]:
        """Shard and peer of every replica."""
        return [(shard, peer) for shard, states in self.states.items() for peer in states]


@dataclass(frozen=True)
class View:
    """The cluster as one node sees it."""

    node: Node
    peer: int
    members: frozenset[int]
    collections: Mapping[str, Collection]

    def active_on(self, name: str, peer: int) -> bool:
        """Whether all that is in the collection can be read at the peer."""
        return name in self.collections and self.collections[name].active_on(peer)


@dataclass(frozen=True)
class Views:
    """What each node that answers sees, in the order of the nodes, and what those say that don't."""

    seen: tuple[View, ...]
    silent: Mapping[str, str]

    def of(self, name: str) -> View:
        """The view of the node of that name; raises SilentError."""
        for view in self.seen:
            if view.node.name == name:
                return view
        raise SilentError(self.silent[name])

    def within(self, members: frozenset[int]) -> "Views":
        """Without what nodes see that are no members any more."""
        return replace(self, seen=tuple(view for view in self.seen if view.peer in members))

    def name_of(self, peer: int) -> str:
        """The name of the node that is the peer, if it answers."""
        return next((view.node.name for view in self.seen if view.peer == peer), f"peer {peer}")


def look(nodes: Sequence[Node]) -> Views:
    """Ask every node."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        answers = list(pool.map(_try, nodes))
    silent = {node.name: answer for node, answer in zip(nodes, answers, strict=True) if isinstance(answer, str)}
    return Views(tuple(answer for answer in answers if isinstance(answer, View)), silent)


def _try(node: Node) -> View | str:
    try:
        return _view(node)
    except NodeError as error:
        return str(error)


def _view(node: Node) -> View:
    cluster = node.ask("GET", "/cluster", timeout_s=LOOK_S)
    if cluster["status"] != "enabled":
        raise NodeError(f"{node.name} runs without a cluster; start it in cluster mode")
    names = [one["name"] for one in node.ask("GET", "/collections", timeout_s=LOOK_S)["collections"]]
    collections = {name: _collection(node, name) for name in sorted(names)}
    return View(node, cluster["peer_id"], frozenset(map(int, cluster["peers"])), collections)


def _collection(node: Node, name: str) -> Collection:
    params = node.ask("GET", path_of(name), timeout_s=LOOK_S)["config"]["params"]
    placed = node.ask("GET", path_of(name, "/cluster"), timeout_s=LOOK_S)
    states: dict[int, dict[int, str]] = {}
    for shard in placed["local_shards"]:
        states.setdefault(shard["shard_id"], {})[placed["peer_id"]] = shard["state"]
    for shard in placed["remote_shards"]:
        states.setdefault(shard["shard_id"], {})[shard["peer_id"]] = shard["state"]
    factors = params["replication_factor"], params["write_consistency_factor"]
    return Collection(factors, states, sum(shard["points_count"] for shard in placed["local_shards"]))
