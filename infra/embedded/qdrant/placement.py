"""The API of a collection's replicas: on which nodes they are, and how one comes and goes."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from infra.embedded.qdrant.answers import Handler, read_json
from infra.embedded.qdrant.document import Change, with_replica, without_replica
from infra.embedded.qdrant.errors import QdrantError, bad_request, malformed, unsupported
from infra.embedded.qdrant.fields import known, natural, required
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.options import check_options, timeout_s

_UNSUPPORTED = ("move_shard", "abort_transfer", "restart_transfer", "create_sharding_key", "drop_sharding_key")


def placement_routes(node: Node) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of each request about replicas."""

    async def show(request: web.Request) -> Any:
        return _shown(node, request.match_info["name"])

    async def change(request: web.Request) -> Any:
        check_options(request.query, "timeout")
        name = request.match_info["name"]
        node.collection(name)
        await node.agree(read_placement(name, await read_json(request)), timeout_s(request.query))
        return True

    return [
        ("GET", "/collections/{name}/cluster", show),
        ("POST", "/collections/{name}/cluster", change),
    ]


def read_placement(name: str, body: Any) -> Change:
    """The change of a collection's replicas that a body asks for; raises QdrantError."""
    given = known(body, *_OPERATIONS, *_UNSUPPORTED)
    if len(given) != 1:
        raise malformed("data did not match any variant of untagged enum ClusterOperations")
    ((operation, said),) = given.items()
    if operation in _UNSUPPORTED:
        raise unsupported(f"the operation {operation}")
    return _OPERATIONS[operation](name, said)


def _replicate(name: str, said: Any) -> Change:
    given = known(said, "shard_id", "from_peer_id", "to_peer_id", "method")  # every method copies in the same way here
    _check_shard(name, given)
    source, peer = (natural(required(given, field), field) for field in ("from_peer_id", "to_peer_id"))
    if source == peer:
        said = f'cannot transfer shard to itself, "to_peer_id" must be different than {source} in "from_peer_id"'
        raise QdrantError(422, f"Validation error in JSON body: [replicate_shard.to_peer_id: {said}]")
    return with_replica(name, source, peer)


def _drop(name: str, said: Any) -> Change:
    given = known(said, "shard_id", "peer_id")
    _check_shard(name, given)
    return without_replica(name, natural(required(given, "peer_id"), "peer_id"))


def _check_shard(name: str, given: dict[str, Any]) -> None:
    shard = natural(required(given, "shard_id"), "shard_id")
    if shard != 0:
        raise bad_request(f"Shard {shard} of {name} does not exist")


_OPERATIONS: dict[str, Callable[[str, Any], Change]] = {"replicate_shard": _replicate, "drop_replica": _drop}


def _shown(node: Node, name: str) -> dict[str, Any]:
    """The state of each replica as the node knows it."""
    me, collection = node.cluster.me, node.collection(name)
    local = collection.replicas.get(me)
    points = node.replicas.get(collection.uid).shard.points_count() if local else 0
    return {
        "peer_id": me,
        "shard_count": 1,
        "local_shards": [{"shard_id": 0, "points_count": points, "state": local.state}] if local else [],
        "remote_shards": [
            {"shard_id": 0, "peer_id": peer, "state": copy.state}
            for peer, copy in sorted(collection.replicas.items())
            if peer != me
        ],
        "shard_transfers": [],
    }
