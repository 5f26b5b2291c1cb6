"""This node's part in the cluster: what is decided, how it learns of it, and how it has something decided."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from typing import Any

from infra.embedded.qdrant.acceptors import Acceptors, read_ballot
from infra.embedded.qdrant.document import Change, Document, read_document, same
from infra.embedded.qdrant.peers import Peers, RefusedError
from infra.embedded.qdrant.register import (
    Acceptor,
    Ballot,
    NoMajorityError,
    OutbidError,
    Proposer,
    UnreachableError,
)
from infra.embedded.qdrant.storage import Storage

LEARN_S = 1.0  # patience with one node that tells or is told what was decided
EXCHANGE_S = 1.0  # between two rounds of asking the others what they know


class Cluster:
    """Keeps the newest decided document; `learned` is called with each."""

    def __init__(self, me: int, storage: Storage, peers: Peers, learned: Callable[[Document], None]) -> None:
        self.me = me
        self.peers = peers
        self.acceptor: Acceptor[Document] = Acceptor(storage.kept(), storage.save_kept)
        self.ballot, self._document = storage.decided()
        self.news = asyncio.Event()
        """Set, and replaced by another, when there is a newer document."""
        self._storage = storage
        self._learned = learned
        self._proposer = Proposer(me, self.acceptor, lambda d: d.peers, Acceptors(me, self.acceptor, peers))
        self._proposing = asyncio.Lock()

    @property
    def joined(self) -> bool:
        """Whether the node belongs to a cluster."""
        return self._document is not None

    @property
    def document(self) -> Document:
        """What is decided, as far as this node knows."""
        assert self._document is not None, "a node serves only after it has joined"
        return self._document

    @property
    def others(self) -> list[int]:
        """All peers but this one."""
        return [peer for peer in self.document.peers if peer != self.me]

    def found(self, uri: str) -> None:
        """Begin a cluster of this node alone."""
        ballot, document = (1, self.me), Document(cluster=token_hex(8), version=1, peers={self.me: uri})
        self.acceptor.accept(ballot, document)
        self.learn(ballot, document)

    def resume(self) -> None:
        """Begin with what was known when the node stopped."""
        self._use(self.document)

    def learn(self, ballot: Ballot, document: Document) -> None:
        """Take over a decided document, unless it is old."""
        if self._document and document.version <= self._document.version:
            return
        self._storage.save_decided(ballot, document)
        self.acceptor.learn(ballot, document)
        self.ballot, self._document = ballot, document
        self._use(document)
        news, self.news = self.news, asyncio.Event()
        news.set()

    def _use(self, document: Document) -> None:
        self.peers.cluster = document.cluster
        self.peers.addresses |= document.peers
        self._learned(document)

    def newer_than(self, version: int) -> dict[str, Any]:
        """What to add to an answer for a node that knows that version: the document, if this one is newer."""
        if not self.joined or self.document.version <= version:
            return {}
        return {"ballot": self.ballot, "document": self.document}

    def learn_from(self, answer: dict[str, Any]) -> None:
        """Learn the document that came with an answer or a message, if one did."""
        if "document" in answer:
            self.learn(read_ballot(answer["ballot"]), read_document(answer["document"]))

    async def change(self, change: Change, patience_s: float) -> Document:
        """Have the change decided and the reachable nodes know; raises NoMajorityError after `patience_s`."""
        try:
            async with asyncio.timeout(patience_s), self._proposing:
                ballot, document = await self._decide(change)
        except TimeoutError:
            raise NoMajorityError from None
        if document.version > self.document.version:
            told = {*self.others, *document.peers} - {self.me}  # a node that leaves hears of it too
            self.learn(ballot, document)
            await asyncio.gather(*(self.tell(peer) for peer in told))
        return document

    async def _decide(self, change: Change) -> tuple[Ballot, Document]:
        while True:
            try:
                return await self._proposer.change(change)
            except OutbidError:
                await asyncio.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - no secret: duelling proposers must differ
            except NoMajorityError:
                await asyncio.sleep(0.1)

    async def tell(self, peer: int) -> None:
        """Have the peer learn what this node knows, if it can be reached."""
        with suppress(UnreachableError, RefusedError):
            await self.peers.ask(peer, "/p2p/learn", self.newer_than(0), timeout_s=LEARN_S)

    async def catch_up(self, patience_s: float) -> None:
        """Learn what was decided while the node was away, if a majority can be reached."""
        with suppress(NoMajorityError):
            await self.change(same, patience_s)

    async def exchange(self) -> None:
        """Ask the others, again and again, whether they know more."""
        while True:
            await asyncio.gather(*(self._ask(peer) for peer in self.others))
            await asyncio.sleep(EXCHANGE_S)

    async def _ask(self, peer: int) -> None:
        with suppress(UnreachableError, RefusedError):
            path = f"/p2p/exchange?version={self.document.version}"
            self.learn_from(await self.peers.ask(peer, path, timeout_s=LEARN_S))
