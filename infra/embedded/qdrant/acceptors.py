"""The members' acceptors as a proposer on this node reaches them: its own at once, the others' over the network."""

from typing import Any

from infra.embedded.qdrant.document import Document, read_document
from infra.embedded.qdrant.peers import Peers, RefusedError
from infra.embedded.qdrant.register import Acceptor, Ballot, Kept, Reply, UnreachableError

MESSAGE_S = 2.0  # patience with one member; a majority's answers are enough to go on


class Acceptors:
    """The network of the register's proposer."""

    def __init__(self, me: int, own: Acceptor[Document], peers: Peers) -> None:
        self._me = me
        self._own = own
        self._peers = peers

    async def prepare(self, member: int, ballot: Ballot) -> Reply[Document]:
        if member == self._me:
            return self._own.prepare(ballot)
        return await self._ask(member, "/p2p/prepare", {"ballot": ballot})

    async def accept(self, member: int, ballot: Ballot, value: Document) -> Reply[Document]:
        if member == self._me:
            return self._own.accept(ballot, value)
        return await self._ask(member, "/p2p/accept", {"ballot": ballot, "value": value})

    async def _ask(self, member: int, path: str, body: dict[str, Any]) -> Reply[Document]:
        try:
            reply = await self._peers.ask(member, path, body, timeout_s=MESSAGE_S)
        except RefusedError as error:
            raise UnreachableError(str(error)) from None
        return Reply(reply["agreed"], read_kept(reply["kept"]))


def read_kept(value: dict[str, Any]) -> Kept[Document]:
    """What an acceptor keeps, from its JSON."""
    document = value["value"] and read_document(value["value"])
    return Kept(read_ballot(value["promised"]), read_ballot(value["accepted"]), document)


def read_ballot(value: list[int]) -> Ballot:
    """A ballot from its JSON."""
    return value[0], value[1]
