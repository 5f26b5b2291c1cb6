"""The API about the node itself: what it is, that it lives, that it is ready, and the members of its cluster."""

from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import orjson
from aiohttp import web

from infra.embedded.qdrant import API_VERSION
from infra.embedded.qdrant.answers import Handler
from infra.embedded.qdrant.document import without_peer
from infra.embedded.qdrant.errors import malformed
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.options import check_options, switch, timeout_s


def service_routes(node: Node) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of each request about the node."""

    async def cluster(_request: web.Request) -> Any:
        return _cluster(node)

    async def remove_peer(request: web.Request) -> Any:
        """A node that isn't a member is no error, as it is none for Qdrant."""
        check_options(request.query, "force", "timeout")
        said = request.match_info["peer"]
        if not said.isdecimal():
            raise malformed(f"peer_id: expected an unsigned integer, got {said:.80}")
        change = without_peer(int(said), bare=not switch(request.query, "force"))
        await node.agree(change, timeout_s(request.query))
        return True

    return [
        ("GET", "/", _root),
        ("GET", "/livez", _alive),
        ("GET", "/healthz", _alive),
        ("GET", "/readyz", _ready),
        ("GET", "/cluster", cluster),
        ("DELETE", "/cluster/peer/{peer}", remove_peer),
    ]


async def _root(_request: web.Request) -> web.Response:
    engine = metadata.version("qdrant-edge-py")
    said = {"title": "qdrant - embedded stand-in", "version": API_VERSION, "commit": f"qdrant-edge-py {engine}"}
    return web.Response(body=orjson.dumps(said), content_type="application/json")


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="healthz check passed")


async def _ready(_request: web.Request) -> web.Response:
    """The public port is open, so the node has joined and knows what was decided while it was away."""
    return web.Response(text="all shards are ready")


def _cluster(node: Node) -> dict[str, Any]:
    cluster = node.cluster
    ballot, leader = cluster.ballot
    return {
        "status": "enabled",
        "peer_id": cluster.me,
        "peers": {str(peer): {"uri": f"{uri}/"} for peer, uri in sorted(cluster.document.peers.items())},
        "raft_info": {
            "term": ballot,
            "commit": cluster.document.version,
            "pending_operations": 0,
            "leader": leader,  # nobody leads; this node decided last
            "role": "Leader" if leader == cluster.me else "Follower",
            "is_voter": True,
        },
        "consensus_thread_status": {
            "consensus_thread_status": "working",
            "last_update": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        },
        "message_send_failures": {
            f"{uri}/": cluster.peers.failures[uri]
            for uri in cluster.document.peers.values()
            if uri in cluster.peers.failures
        },
    }
