"""How nodes become members of the cluster, and how their addresses become known."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from infra.embedded.qdrant.cluster import Cluster
from infra.embedded.qdrant.document import filled_up, with_peer, without_peer
from infra.embedded.qdrant.peers import RefusedError
from infra.embedded.qdrant.register import NoMajorityError, UnreachableError

PATIENCE_S = 2.0  # for one step of admitting a node
ADMISSION_S = 15.0  # what the founder may need for all steps
RETRY_S = 0.2

log = logging.getLogger(__name__)


class Membership:
    """This node's own address, and the door for others."""

    def __init__(self, cluster: Cluster, uri: str) -> None:
        self._cluster = cluster
        self._uri = uri
        self._admitting = asyncio.Lock()

    async def join(self, founder: str) -> None:
        """Ask the founder, until it agrees, to make this node a member under its present address."""
        asked = {"peer": self._cluster.me, "uri": self._uri}
        said = ""
        while True:
            try:
                answer = await self._cluster.peers.ask_at(founder, "/p2p/join", asked, timeout_s=ADMISSION_S)
            except (UnreachableError, RefusedError) as error:
                if said != str(error):
                    said = str(error)
                    log.info("not joined yet: %s", said)
                await asyncio.sleep(RETRY_S)
            else:
                self._cluster.learn_from(answer)
                self._cluster.peers.addresses[answer["peer"]] = founder
                return

    async def rejoin(self, others: Sequence[str]) -> bool:
        """Become a member by way of one of the others that is one; False if none of those that answer is.

        So a founder that has lost its storage comes back to its cluster, and does not found a second one.
        """
        for uri in others:
            with suppress(UnreachableError, RefusedError):
                answer = await self._cluster.peers.ask_at(uri, "/p2p/ping", timeout_s=PATIENCE_S)
                if answer.get("member"):
                    await self.join(uri)
                    return True
        return False

    async def announce(self) -> None:
        """Have the cluster know this node's present address, should it be another than before."""
        while self._cluster.document.peers.get(self._cluster.me) != self._uri:
            with suppress(NoMajorityError):
                await self._cluster.change(with_peer(self._cluster.me, self._uri), PATIENCE_S)

    async def admit(self, peer: int, uri: str) -> None:
        """Make the node at the address a member; raises NoMajorityError, UnreachableError and RefusedError.

        A member that had this address under another id has lost its storage and leaves.
        """
        cluster = self._cluster
        async with self._admitting:
            if cluster.document.peers.get(peer) == uri:
                return
            await cluster.peers.ask_at(uri, "/p2p/ping", timeout_s=PATIENCE_S)
            gone = [other for other, known in cluster.document.peers.items() if known == uri]
            for change in (*map(without_peer, gone), with_peer(peer, uri)):
                cluster.peers.addresses[peer] = uri
                await cluster.change(change, PATIENCE_S)
            for collection in cluster.document.collections.values():
                await cluster.change(filled_up(collection.uid), PATIENCE_S)
