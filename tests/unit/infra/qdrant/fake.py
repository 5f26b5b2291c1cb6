"""A Qdrant cluster in memory: what the switches ask of it, and what it must refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from infra.embedded.qdrant.document import (
    Change,
    Collection,
    Document,
    Member,
    Replica,
    recovered,
    recovering,
    with_collection,
    with_params,
    without_peer,
)
from infra.embedded.qdrant.errors import QdrantError
from infra.embedded.qdrant.params import Params, changed_params
from infra.embedded.qdrant.placement import read_placement
from infra.qdrant.node import Node, NodeError, SilentError

PARAMS = Params(4, "Cosine", replication_factor=3, write_consistency_factor=2)


class KilledError(BaseException):
    """The command ends here, as if it were killed."""


@dataclass
class Cluster:
    """Three nodes with peer ids 1 to 3; whoever asks for the change `killed_at` is killed instead."""

    document: Document = field(default_factory=lambda: Document("c", 1, {1: "", 2: "", 3: ""}))
    points: dict[tuple[int, str], dict[int, str]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    consensus: dict[int, dict[str, Any]] = field(default_factory=dict)  # what a peer says otherwise than the rest
    changes: int = 0
    killed_at: int | None = None
    watch: Callable[[], None] = lambda: None

    @property
    def nodes(self) -> list[Node]:
        return [FakeNode(f"qdrant-{peer - 1}", "http://fake", self, peer) for peer in (1, 2, 3)]

    def create(self, name: str, points: dict[int, str]) -> None:
        self.document = with_collection(name, name, PARAMS)(self.document)
        self.points |= {(peer, name): dict(points) for peer in self.document.collections[name].replicas}

    def change(self, change: Change) -> bool:
        self.changes += 1
        if self.killed_at == self.changes:
            raise KilledError
        self.document = change(self.document)
        self.points = {place: held for place, held in self.points.items() if self._holds(*place)}
        self.watch()
        return True

    def _holds(self, peer: int, name: str) -> bool:
        return name in self.document.collections and peer in self.document.collections[name].replicas

    def turn(self, name: str, peer: int, state: Any) -> None:
        one = self.document.collections[name]
        turned = replace(one, replicas={**one.replicas, peer: Replica(state, "t")})
        self.document = replace(self.document, collections={**self.document.collections, name: turned})

    def copy(self, name: str, peer: int) -> None:
        """Whatever the peer's replica lacks comes to it."""
        one = self.document.collections[name]
        if one.replicas[peer].state != "Active" and one.active:
            self.points[peer, name] = dict(self.points[one.active[0], name])
            self.document = recovered(name, Member(peer, "t"))(recovering(name, Member(peer, "t"))(self.document))

    def one(self, name: str) -> Collection:
        return self.document.collections[name]


@dataclass(frozen=True)
class FakeNode(Node):
    cluster: Cluster = field(repr=False)
    peer: int

    def ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = 0) -> Any:
        if self.peer in self.cluster.silent:
            raise SilentError(f"{self.name} does not answer")
        _, kind, *rest = path.split("/")
        try:
            if kind == "cluster":
                return self._members(method, rest)
            if not rest:
                return {"collections": [{"name": name} for name in self.cluster.document.collections]}
            return _ASKED[method, "/".join(rest[1:])](self, unquote(rest[0]), body)
        except QdrantError as error:
            raise NodeError(f"{self.name}: {method} {path}: {error.status}: {error.message}") from None

    def _members(self, method: str, rest: list[str]) -> Any:
        if method == "DELETE":
            return self.cluster.change(without_peer(int(rest[1]), bare=True))
        own = self.cluster.consensus.get(self.peer, {})
        return {
            "status": "enabled",
            "peer_id": self.peer,
            "peers": {str(p): {} for p in self.cluster.document.peers},
            "raft_info": {"term": 2, "commit": 37, "pending_operations": 0, "leader": 1, "is_voter": True} | own,
            "consensus_thread_status": own.get("thread", {"consensus_thread_status": "working"}),
        }

    def _info(self, name: str, _body: Any) -> Any:
        return {"config": {"params": self.cluster.one(name).params.shown()}}

    def _params(self, name: str, body: Any) -> Any:
        return self.cluster.change(with_params(name, lambda params: changed_params(params, body)))

    def _place(self, name: str, body: Any) -> Any:
        return self.cluster.change(read_placement(name, body))

    def _placed(self, name: str, _body: Any) -> Any:
        replicas = self.cluster.one(name).replicas
        shards = [{"shard_id": 0, "peer_id": peer, "state": copy.state} for peer, copy in replicas.items()]
        local = [
            {**shard, "points_count": len(self.cluster.points.get((self.peer, name), {}))}
            for shard in shards
            if shard["peer_id"] == self.peer
        ]
        if local:
            self.cluster.copy(name, self.peer)
        return {
            "peer_id": self.peer,
            "local_shards": local,
            "remote_shards": [shard for shard in shards if shard["peer_id"] != self.peer],
        }

    def _held(self, name: str) -> dict[int, str]:
        one = self.cluster.one(name)
        return self.cluster.points[self.peer if self.peer in one.active else one.active[0], name]

    def _scroll(self, name: str, _body: Any) -> Any:
        rows = [{"id": one, "payload": {"text": text}} for one, text in self._held(name).items()]
        return {"points": rows, "next_page_offset": None}

    def _points(self, name: str, body: Any) -> Any:
        held = self._held(name)
        return [{"id": one, "payload": {"text": held[one]}} for one in body["ids"] if one in held]


_ASKED: dict[tuple[str, str], Callable[[FakeNode, str, Any], Any]] = {
    ("GET", ""): FakeNode._info,
    ("PATCH", ""): FakeNode._params,
    ("GET", "cluster"): FakeNode._placed,
    ("POST", "cluster"): FakeNode._place,
    ("POST", "points"): FakeNode._points,
    ("POST", "points/scroll"): FakeNode._scroll,
}
