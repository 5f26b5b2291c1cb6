"""The server for the other nodes; everything that they say to each other comes in here."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from infra.embedded.qdrant.acceptors import read_ballot
from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import read_document
from infra.embedded.qdrant.membership import Membership
from infra.embedded.qdrant.peers import CLUSTER, RefusedError, encode
from infra.embedded.qdrant.register import NoMajorityError, UnreachableError
from infra.embedded.qdrant.replication import Replication
from infra.embedded.qdrant.transfer import Transfer

MAX_BODY = 256 * 1024 * 1024  # a public request of 32 MiB can grow when ids take the place of a filter
REACH_S = 2.0  # patience with a node that says it can be reached

Handler = Callable[[web.Request], Awaitable[Any]]


class P2P:
    """What other nodes may ask of this one."""

    def __init__(self, cluster: Cluster, membership: Membership, replication: Replication, transfer: Transfer) -> None:
        self._cluster = cluster
        self._membership = membership
        self._replication = replication
        self._transfer = transfer

    def app(self, passed_on: str, public: web.Application) -> web.Application:
        """The server, with `public` below `passed_on` for the requests that other nodes pass on."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._own_cluster])
        paths: dict[str, Handler] = {
            "/p2p/ping": self._ping,
            "/p2p/join": self._join,
            "/p2p/prepare": self._prepare,
            "/p2p/accept": self._accept,
            "/p2p/learn": self._learn,
            "/p2p/exchange": self._exchange,
            "/p2p/reach": self._reach,
            "/p2p/write/{uid}/{kind}": self._write,
            "/p2p/page/{uid}": self._page,
        }
        for path, handler in paths.items():
            app.router.add_post(path, _json(handler))
        app.add_subapp(passed_on, public)
        return app

    @web.middleware
    async def _own_cluster(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse nodes of another cluster, as after one lost its storage and founded a new one."""
        theirs = request.headers.get(CLUSTER)
        if theirs and self._cluster.joined and theirs != self._cluster.document.cluster:
            return web.Response(status=409, text=f"this node belongs to cluster {self._cluster.document.cluster}")
        return await handler(request)

    async def _ping(self, _request: web.Request) -> Any:
        return {"member": self._cluster.joined}

    async def _join(self, request: web.Request) -> Any:
        said = orjson.loads(await request.read())
        if not self._cluster.joined:
            raise web.HTTPConflict(text="this node is in no cluster yet")
        try:
            await self._membership.admit(said["peer"], said["uri"])
        except (NoMajorityError, UnreachableError, RefusedError) as error:
            raise web.HTTPServiceUnavailable(text=f"{type(error).__name__} {error}") from None
        return {"peer": self._cluster.me, **self._cluster.newer_than(0)}

    async def _prepare(self, request: web.Request) -> Any:
        said = orjson.loads(await request.read())
        return self._cluster.acceptor.prepare(read_ballot(said["ballot"]))

    async def _accept(self, request: web.Request) -> Any:
        said = orjson.loads(await request.read())
        return self._cluster.acceptor.accept(read_ballot(said["ballot"]), read_document(said["value"]))

    async def _learn(self, request: web.Request) -> Any:
        self._cluster.learn_from(orjson.loads(await request.read()))
        return {}

    async def _exchange(self, request: web.Request) -> Any:
        return self._cluster.newer_than(int(request.query["version"]))

    async def _reach(self, request: web.Request) -> Any:
        try:
            await self._cluster.peers.ask(int(request.query["peer"]), "/p2p/ping", timeout_s=REACH_S, attempts=2)
        except (UnreachableError, RefusedError):
            return {"reached": False}
        return {"reached": True}

    async def _write(self, request: web.Request) -> Any:
        uid, kind = request.match_info["uid"], request.match_info["kind"]
        tenure, version = request.query["tenure"], int(request.query["version"])
        return await self._replication.receive(uid, kind, tenure, version, await request.read())

    async def _page(self, request: web.Request) -> Any:
        said = orjson.loads(await request.read())
        return self._transfer.give_page(request.match_info["uid"], int(request.query["version"]), said["offset"])


def _json(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=encode(await handler(request)), content_type="application/json")

    return answer
