"""CASPaxos: one value that a majority of its members keeps, changed by functions of the value before.

A proposer asks the members to promise a ballot (prepare), learns the newest value that any of them accepted, applies
its function, and has the result accepted. Of the values that a majority accepted none is ever lost, whatever messages
are lost or late, however many propose at once, and whoever is killed and comes back with what it saved.

The value names its own members. That is safe while members come and go one at a time, and a proposer that changes them
has had the very value before decided itself: the majorities of two successive memberships then have a member in
common, and a change of members that another began on the same value can't be taken up any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

V = TypeVar("V")
Ballot = tuple[int, int]
"""A round and the proposer's id; compared in that order."""
NEVER: Ballot = (0, 0)


class NoMajorityError(Exception):
    """Too few members answer."""


class OutbidError(Exception):
    """Another proposer has a higher ballot."""


class UnreachableError(Exception):
    """A member does not answer."""


@dataclass(frozen=True)
class Kept(Generic[V]):
    """What an acceptor remembers for ever."""

    promised: Ballot = NEVER
    accepted: Ballot = NEVER
    value: V | None = None


@dataclass(frozen=True)
class Reply(Generic[V]):
    """An acceptor's answer, with what it keeps."""

    agreed: bool
    kept: Kept[V]


class Acceptor(Generic[V]):
    """One member's memory; `save` returns once what it is given is on disk."""

    def __init__(self, kept: Kept[V], save: Callable[[Kept[V]], None]) -> None:
        self.kept = kept
        self._save = save

    def prepare(self, ballot: Ballot) -> Reply[V]:
        """Promise to accept nothing below the ballot, unless a higher one is promised."""
        if ballot <= self.kept.promised:
            return Reply(agreed=False, kept=self.kept)
        return self._keep(replace(self.kept, promised=ballot))

    def accept(self, ballot: Ballot, value: V) -> Reply[V]:
        """Take the value, unless a higher ballot is promised."""
        if ballot < self.kept.promised:
            return Reply(agreed=False, kept=self.kept)
        return self._keep(Kept(ballot, ballot, value))

    def learn(self, ballot: Ballot, value: V) -> None:
        """Take a value that was decided; a promise doesn't stand against what a majority has accepted already."""
        if ballot > self.kept.accepted:
            self._keep(Kept(max(ballot, self.kept.promised), ballot, value))

    def _keep(self, kept: Kept[V]) -> Reply[V]:
        self._save(kept)
        self.kept = kept
        return Reply(agreed=True, kept=kept)


class Network(Protocol[V]):
    """The way to the members' acceptors, one's own included; raises UnreachableError."""

    async def prepare(self, member: int, ballot: Ballot) -> Reply[V]: ...

    async def accept(self, member: int, ballot: Ballot, value: V) -> Reply[V]: ...


class Proposer(Generic[V]):
    """Changes the value on behalf of the member `me`."""

    def __init__(
        self, me: int, acceptor: Acceptor[V], members: Callable[[V], Collection[int]], network: Network[V]
    ) -> None:
        self._me = me
        self._acceptor = acceptor
        self._members = members
        self._network = network
        self._round = 0
        self._decided = NEVER  # by this proposer, last

    async def change(self, function: Callable[[V], V]) -> tuple[Ballot, V]:
        """Try to replace the value by the function's result, and return what was decided with its ballot.

        The function must be pure: a result that was not decided may be, later, by another proposer.
        Raises NoMajorityError, OutbidError, and whatever the function raises.
        """
        while True:
            self._round = max(self._round, self._acceptor.kept.promised[0]) + 1
            ballot = (self._round, self._me)
            newest, before = await self._prepare(ballot)
            value = function(before)
            regroups = set(self._members(value)) != set(self._members(before))
            if not regroups or newest == self._decided:
                await self._accept(ballot, value)
                return ballot, value
            await self._accept(ballot, before)

    async def _accept(self, ballot: Ballot, value: V) -> None:
        members = set(self._members(value))
        await self._ask({member: self._network.accept(member, ballot, value) for member in members}, members, {})
        self._decided = ballot

    async def _prepare(self, ballot: Ballot) -> tuple[Ballot, V]:
        """The newest accepted value and its ballot, once a majority of its own members has promised the new ballot."""
        replies: dict[int, Reply[V]] = {}
        value = self._acceptor.kept.value
        while True:
            assert value is not None, "a node proposes only after it has joined"
            members = set(self._members(value))
            calls = {member: self._network.prepare(member, ballot) for member in members - replies.keys()}
            replies = await self._ask(calls, members, replies)
            newest = max((reply.kept for reply in replies.values() if reply.agreed), key=lambda kept: kept.accepted)
            if newest.value is not None and set(self._members(newest.value)) == members:
                return newest.accepted, newest.value
            value = newest.value

    async def _ask(
        self, calls: Mapping[int, Awaitable[Reply[V]]], members: set[int], already: Mapping[int, Reply[V]]
    ) -> dict[int, Reply[V]]:
        """The replies up to the moment at which a majority of the members has agreed."""
        replies = dict(already)
        tasks = {asyncio.ensure_future(call): member for member, call in calls.items()}
        waiting = set(tasks)
        try:
            while not _majority(replies, members):
                if not waiting:
                    self._give_up(replies)
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not isinstance(task.exception(), UnreachableError):
                        replies[tasks[task]] = task.result()
        finally:
            for task in waiting:
                task.cancel()
        return replies

    def _give_up(self, replies: Mapping[int, Reply[V]]) -> None:
        refusals = [reply.kept.promised[0] for reply in replies.values() if not reply.agreed]
        if refusals:
            self._round = max(self._round, *refusals)
            raise OutbidError
        raise NoMajorityError


def _majority(replies: Mapping[int, Reply[V]], members: set[int]) -> bool:
    return 2 * sum(member in replies and replies[member].agreed for member in members) > len(members)
