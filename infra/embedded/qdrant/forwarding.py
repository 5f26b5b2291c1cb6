"""Has another node answer a request that this node's replica may not answer."""

from aiohttp import web

from infra.embedded.qdrant.answers import Handler
from infra.embedded.qdrant.errors import QdrantError, internal
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.register import UnreachableError
from infra.embedded.qdrant.replicas import NotMemberError

PASSED_ON = "/api"
"""Where a node takes requests that another has passed on; it passes on none of these."""
_NOT_HERE = 421
"""HTTP's status for a misdirected request: who passed it on knows less than the node that it asked."""


def or_elsewhere(node: Node, handler: Handler) -> Handler:
    """The handler, or where it raises NotMemberError, the answer of a node with an Active replica."""

    async def answer(request: web.Request) -> object:
        try:
            return await handler(request)
        except NotMemberError:
            if str(request.rel_url).startswith(f"{PASSED_ON}/"):
                return web.Response(status=_NOT_HERE)
            return await _elsewhere(node, request)

    return answer


async def _elsewhere(node: Node, request: web.Request) -> web.Response:
    collection = node.collection(request.match_info["name"])
    path = str(request.rel_url)
    for peer in collection.active:
        if peer == node.cluster.me:
            continue
        address = node.cluster.peers.addresses[peer]
        # The other node may itself wait for a peer in vain before it answers.
        patience_s = node.peer_timeout_s + node.consensus_timeout_s
        try:
            status, body = await node.cluster.peers.send(
                request.method, address, PASSED_ON + path, await request.read(), timeout_s=patience_s
            )
        except UnreachableError:
            continue
        if status == _NOT_HERE:
            continue
        return web.Response(status=status, body=body, content_type="application/json")
    raise not_enough_active(node)


def not_enough_active(node: Node) -> QdrantError:
    """Too few replicas may answer."""
    return internal(f"The replica set for shard 0 on peer {node.cluster.me} does not have enough active replicas")
