"""Runs an embedded Qdrant node: `python -m infra.embedded.qdrant --help` tells how."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

from infra.embedded.qdrant.api import api
from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.forwarding import PASSED_ON
from infra.embedded.qdrant.membership import Membership
from infra.embedded.qdrant.node import Node
from infra.embedded.qdrant.p2p import P2P
from infra.embedded.qdrant.peers import Peers
from infra.embedded.qdrant.replicas import Replicas
from infra.embedded.qdrant.replication import Replication
from infra.embedded.qdrant.storage import Storage, StorageInUseError
from infra.embedded.qdrant.transfer import Transfer

CATCH_UP_S = 2.0  # what a start may wait for a majority

log = logging.getLogger("infra.embedded.qdrant")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--p2p-port", type=int, required=True)
    parser.add_argument("--uri", type=_uri, required=True, help="where the other nodes reach this one")
    parser.add_argument("--bootstrap", type=_uri, required=True, help="the uri of the node that founds the cluster")
    parser.add_argument("--other", type=_uri, action="append", default=[], help="the uri of another node; repeatable")
    parser.add_argument("--storage", type=Path, required=True)
    parser.add_argument("--peer-timeout", type=float, default=15.0, help="seconds until a silent peer counts as dead")
    parser.add_argument("--consensus-timeout", type=float, default=10.0, help="seconds for creating a collection")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        uvloop.run(_until_terminated(parser.parse_args()))
    except StorageInUseError as error:
        sys.exit(str(error))


def _uri(said: str) -> str:
    return said.rstrip("/")


async def _until_terminated(options: argparse.Namespace) -> None:
    serving = asyncio.ensure_future(_serve(options))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


async def _serve(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as background:
        storage = stack.enter_context(closing(Storage(options.storage)))
        me = storage.peer_id()
        replicas = stack.enter_context(closing(Replicas(me, storage.collections)))
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        cluster = Cluster(me, storage, Peers(session), replicas.follow)
        membership = Membership(cluster, options.uri)
        replication = Replication(cluster, replicas, options.peer_timeout)
        transfer = Transfer(cluster, replicas)
        node = Node(cluster, replicas, replication, options.peer_timeout, options.consensus_timeout)
        p2p = P2P(cluster, membership, replication, transfer).app(PASSED_ON, api(node))
        if cluster.joined:
            cluster.resume()
        await stack.enter_async_context(_listening(p2p, options.host, options.p2p_port))
        background.create_task(await _begin(cluster, membership, options))
        for work in (cluster.exchange(), transfer.run(), replicas.flush(), replicas.optimize()):
            background.create_task(work)
        await stack.enter_async_context(_listening(api(node), options.host, options.http_port))
        log.info("node %s serves %s:%s", me, options.host, options.http_port)
        await asyncio.Event().wait()


async def _begin(cluster: Cluster, membership: Membership, options: argparse.Namespace) -> Coroutine[Any, Any, None]:
    """Be a member that knows what is decided; returns what is left to do, which is to make the address known."""
    founds = options.uri == options.bootstrap
    if cluster.joined:
        await cluster.catch_up(CATCH_UP_S)
    elif founds:
        if not await membership.rejoin(options.other):
            cluster.found(options.uri)
    else:
        await membership.join(options.bootstrap)
    return membership.announce() if founds else membership.join(options.bootstrap)


@asynccontextmanager
async def _listening(app: web.Application, host: str, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    main()
