"""What the nodes agree on: who they are, which collections there are, and the state of every replica. Pure data.

The functions return a document's successor; where nothing is to be changed, the document itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal, NamedTuple

from infra.embedded.qdrant.errors import bad_request, conflict, no_collection
from infra.embedded.qdrant.params import Params

State = Literal["Active", "Partial", "Dead"]
"""Active: has every acknowledged write. Partial: is sent every write, and copies what it missed. Dead: neither."""


class Member(NamedTuple):
    """A replica that is sent every write: its node, and the tenure since which that is so."""

    peer: int
    tenure: str


@dataclass(frozen=True)
class Replica:
    """A node's copy of a collection. A copy that becomes Partial begins a new tenure, so that nothing meant for the
    one before is taken for it."""

    state: State
    tenure: str


@dataclass(frozen=True)
class Collection:
    """A collection; `uid` tells it from others of the same name before and after it."""

    uid: str
    params: Params
    replicas: Mapping[int, Replica]
    indexes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> set[Member]:
        """The replicas that every write goes to."""
        return {Member(peer, copy.tenure) for peer, copy in self.replicas.items() if copy.state != "Dead"}

    @property
    def active(self) -> list[int]:
        """The peers that may answer for the collection."""
        return sorted(peer for peer, copy in self.replicas.items() if copy.state == "Active")

    @property
    def acknowledgements(self) -> int:
        """How many replicas must have a write before it is acknowledged."""
        return min(self.params.write_consistency_factor, len(self.replicas))


@dataclass(frozen=True)
class Document:
    """One state of the cluster; each change makes the version one higher."""

    cluster: str
    version: int
    peers: Mapping[int, str]
    collections: Mapping[str, Collection] = field(default_factory=dict)

    def by_uid(self, uid: str) -> tuple[str, Collection] | None:
        """A collection and its name."""
        return next(((name, one) for name, one in self.collections.items() if one.uid == uid), None)


Change = Callable[[Document], Document]


def read_document(value: Mapping[str, Any]) -> Document:
    """A document from its JSON."""
    return Document(
        value["cluster"],
        value["version"],
        {int(peer): uri for peer, uri in value["peers"].items()},
        {name: _collection(one) for name, one in value["collections"].items()},
    )


def _collection(value: Mapping[str, Any]) -> Collection:
    replicas = {int(peer): Replica(**copy) for peer, copy in value["replicas"].items()}
    return Collection(value["uid"], Params(**value["params"]), replicas, value["indexes"])


def same(document: Document) -> Document:
    """No change: what the nodes agree on now."""
    return document


def with_peer(peer: int, uri: str) -> Change:
    """A node joins, or has another address."""
    return lambda d: d if d.peers.get(peer) == uri else _next(d, peers={**d.peers, peer: uri})


def without_peer(peer: int, *, bare: bool = False) -> Change:
    """A node leaves with its replicas; raises QdrantError if it has some and has to be `bare`."""

    def change(d: Document) -> Document:
        if peer not in d.peers:
            return d
        if bare and any(peer in one.replicas for one in d.collections.values()):
            raise bad_request(f"Cannot remove peer {peer} as there are shards on it")
        collections = {
            name: replace(one, replicas={p: copy for p, copy in one.replicas.items() if p != peer})
            for name, one in d.collections.items()
        }
        peers = {p: uri for p, uri in d.peers.items() if p != peer}
        return _next(d, peers=peers, collections=collections)

    return change


def filled_up(uid: str) -> Change:
    """A collection gets the replicas that it lacks, which have everything to copy."""

    def change(d: Document) -> Document:
        found = d.by_uid(uid)
        if not found:
            return d
        name, one = found
        lacking = max(0, one.params.replication_factor - len(one.replicas))
        free = sorted(d.peers.keys() - one.replicas.keys())[:lacking]
        return _with(d, name, one, replicas={**one.replicas, **{peer: Replica("Dead", uid) for peer in free}})

    return change


def with_collection(name: str, uid: str, params: Params) -> Change:
    """A collection is created, with replicas on as many nodes as it wants and there are; raises QdrantError."""

    def change(d: Document) -> Document:
        if name in d.collections:
            if d.collections[name].uid == uid:
                return d
            raise conflict(f"Collection `{name}` already exists!")
        wanted = min(params.replication_factor, len(d.peers))
        # Spread over the nodes, and the same at each call.
        chosen = Random(uid).sample(sorted(d.peers), wanted)  # noqa: S311 - no secret
        created = Collection(uid, params, {peer: Replica("Active", uid) for peer in chosen})
        return _next(d, collections={**d.collections, name: created})

    return change


def without_collection(uid: str) -> Change:
    """A collection is deleted."""

    def change(d: Document) -> Document:
        left = {name: one for name, one in d.collections.items() if one.uid != uid}
        return d if len(left) == len(d.collections) else _next(d, collections=left)

    return change


def with_replica(name: str, source: int, peer: int) -> Change:
    """A node that has no replica of the collection, or is to begin it anew, has everything to copy; raises QdrantError.

    Like Qdrant it needs an Active source to name, but any Active replica may then be copied from.
    """

    def change(d: Document) -> Document:
        one = _placed(d, name, peer, source)
        if source not in one.active:
            raise bad_request(f"Shard 0 is not active on peer {source}")
        copy = one.replicas.get(peer, Replica("Dead", one.uid))
        if copy.state == "Partial":
            raise bad_request(f"Shard 0 is already involved in transfer {source} -> {peer}")
        return _with(d, name, one, replicas={**one.replicas, peer: replace(copy, state="Dead")})

    return change


def without_replica(name: str, peer: int) -> Change:
    """A node's replica of the collection goes; raises QdrantError if there is none, or it is the last Active one."""

    def change(d: Document) -> Document:
        one = _placed(d, name, peer)
        if peer not in one.replicas:
            raise bad_request(f"Peer {peer} has no replica of shard 0")
        left = {p: copy for p, copy in one.replicas.items() if p != peer}
        if not left or one.active == [peer]:
            raise bad_request(f"Shard 0 must have at least one active replica after removing {peer}")
        return _with(d, name, one, replicas=left)

    return change


def _placed(d: Document, name: str, *peers: int) -> Collection:
    one = _existing(d, name)
    for peer in peers:
        if peer not in d.peers:
            raise bad_request(f"Peer {peer} does not exist")
    return one


def with_params(name: str, change_params: Callable[[Params], Params]) -> Change:
    """A collection gets other parameters; raises QdrantError."""

    def change(d: Document) -> Document:
        one = _existing(d, name)
        return _with(d, name, one, params=change_params(one.params))

    return change


def with_index(name: str, fieldname: str, schema: Any) -> Change:
    """A payload field is indexed (not any more, if the schema is None); raises QdrantError."""

    def change(d: Document) -> Document:
        one = _existing(d, name)
        others = {key: value for key, value in one.indexes.items() if key != fieldname}
        return _with(d, name, one, indexes=others if schema is None else {**others, fieldname: schema})

    return change


def dead(uid: str, members: Iterable[Member], coordinator: Member) -> Change:
    """Replicas missed a write that the coordinator's has; no change unless that one is Active itself."""

    def change(d: Document) -> Document:
        found = d.by_uid(uid)
        if not found or found[1].replicas.get(coordinator.peer) != Replica("Active", coordinator.tenure):
            return d
        name, one = found
        lost = {m.peer: Replica("Dead", m.tenure) for m in members if m in one.live}
        return _with(d, name, one, replicas={**one.replicas, **lost})

    return change


def recovering(uid: str, member: Member) -> Change:
    """A replica that isn't Active begins a tenure: it is sent all writes from now on."""
    return lambda d: _turned(d, uid, member.peer, Replica("Partial", member.tenure), unless="Active")


def recovered(uid: str, member: Member) -> Change:
    """A replica has all that it missed before its tenure; no change if that has ended."""

    def change(d: Document) -> Document:
        found = d.by_uid(uid)
        if not found or member not in found[1].live:
            return d
        return _turned(d, uid, member.peer, Replica("Active", member.tenure), unless="Dead")

    return change


def _turned(d: Document, uid: str, peer: int, copy: Replica, unless: State) -> Document:
    found = d.by_uid(uid)
    if not found or peer not in found[1].replicas or found[1].replicas[peer].state == unless:
        return d
    name, one = found
    return _with(d, name, one, replicas={**one.replicas, peer: copy})


def _existing(d: Document, name: str) -> Collection:
    if name not in d.collections:
        raise no_collection(name)
    return d.collections[name]


def _with(d: Document, name: str, one: Collection, **fields: Any) -> Document:
    changed = replace(one, **fields)
    return d if changed == one else _next(d, collections={**d.collections, name: changed})


def _next(d: Document, **fields: Any) -> Document:
    return replace(d, version=d.version + 1, **fields)
