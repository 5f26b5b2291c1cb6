import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from infra.embedded.qdrant.register import (
    Acceptor,
    Ballot,
    Kept,
    NoMajorityError,
    OutbidError,
    Proposer,
    Reply,
    UnreachableError,
)


@dataclass(frozen=True)
class Log:
    """The register's value here: who is a member, and what was written, in order."""

    members: frozenset[int]
    entries: tuple[str, ...] = ()


def writing(entry: str) -> Callable[[Log], Log]:
    return lambda log: replace(log, entries=(*log.entries, entry))


def same(log: Log) -> Log:
    return log


def toggling(member: int) -> Callable[[Log], Log]:
    return lambda log: replace(log, members=log.members ^ {member} or log.members)


@dataclass
class Cluster:
    """Members in one process; messages and answers get lost and overtake each other as `chance` has it."""

    chance: random.Random = field(default_factory=random.Random)
    lost: float = 0
    down: set[int] = field(default_factory=set)
    disks: dict[int, Kept[Log]] = field(default_factory=dict)
    acceptors: dict[int, Acceptor[Log]] = field(default_factory=dict)
    proposers: dict[int, Proposer[Log]] = field(default_factory=dict)

    @classmethod
    def of(cls, *members: int, chance: random.Random | None = None) -> "Cluster":
        cluster = cls(chance or random.Random(0))
        log = Log(frozenset(members))
        for member in members:
            cluster.disks[member] = Kept((1, 0), (1, 0), log)
            cluster.start(member)
        return cluster

    def start(self, member: int) -> None:
        """Begin, or begin again, with what is on disk."""

        def save(kept: Kept[Log]) -> None:
            self.disks[member] = kept

        self.acceptors[member] = Acceptor(self.disks.get(member, Kept()), save)
        self.proposers[member] = Proposer(member, self.acceptors[member], lambda log: log.members, self)

    async def prepare(self, member: int, ballot: Ballot) -> Reply[Log]:
        return await self._pass(member, lambda: self.acceptors[member].prepare(ballot))

    async def accept(self, member: int, ballot: Ballot, value: Log) -> Reply[Log]:
        return await self._pass(member, lambda: self.acceptors[member].accept(ballot, value))

    async def _pass(self, member: int, deliver: Callable[[], Reply[Log]]) -> Reply[Log]:
        await self._travel(member)
        reply = deliver()
        await self._travel(member)
        return reply

    async def _travel(self, member: int) -> None:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        if member in self.down or self.chance.random() < self.lost:
            raise UnreachableError

    async def change(self, member: int, function: Callable[[Log], Log]) -> Log:
        """Change the value, however often others bid more; raises NoMajorityError."""
        while True:
            with suppress(OutbidError):
                return (await self.proposers[member].change(function))[1]


async def test_a_change_is_seen_by_every_member() -> None:
    cluster = Cluster.of(1, 2, 3)
    await cluster.change(1, writing("a"))
    assert (await cluster.change(2, writing("b"))).entries == ("a", "b")
    assert (await cluster.change(3, same)).entries == ("a", "b")


async def test_a_minority_decides_nothing() -> None:
    cluster = Cluster.of(1, 2, 3)
    cluster.down = {2, 3}
    with pytest.raises(NoMajorityError):
        await cluster.change(1, writing("a"))
    cluster.down = {1}
    assert (await cluster.change(2, same)).entries == ()


async def test_a_decided_value_survives_its_proposer() -> None:
    cluster = Cluster.of(1, 2, 3)
    cluster.down = {3}
    await cluster.change(1, writing("a"))
    cluster.down = {1}
    assert (await cluster.change(3, same)).entries == ("a",)


async def test_a_value_that_a_minority_accepted_is_taken_up_by_who_sees_it() -> None:
    cluster = Cluster.of(1, 2, 3)
    ballot = (2, 1)
    for member in (1, 2, 3):
        cluster.acceptors[member].prepare(ballot)
    cluster.acceptors[1].accept(ballot, Log(frozenset({1, 2, 3}), ("a",)))
    cluster.down = {3}
    assert (await cluster.change(2, writing("b"))).entries == ("a", "b")


async def test_duelling_proposers_lose_no_change() -> None:
    cluster = Cluster.of(1, 2, 3)
    await asyncio.gather(*(cluster.change(member, writing(f"{member}{n}")) for n in range(5) for member in (1, 2, 3)))
    entries = (await cluster.change(1, same)).entries
    assert set(entries) == {f"{member}{n}" for n in range(5) for member in (1, 2, 3)}


async def test_an_error_of_the_change_is_its_callers_and_changes_nothing() -> None:
    def refuse(_: Log) -> Log:
        raise ValueError("no")

    cluster = Cluster.of(1, 2, 3)
    with pytest.raises(ValueError, match="no"):
        await cluster.proposers[1].change(refuse)
    assert (await cluster.change(1, same)).entries == ()


async def test_a_cluster_grows_from_one_and_needs_the_new_majority() -> None:
    cluster = Cluster.of(1)
    for joiner in (2, 3):
        cluster.start(joiner)
        cluster.acceptors[joiner].learn(*await cluster.proposers[1].change(toggling(joiner)))
    cluster.down = {1}
    assert (await cluster.change(3, writing("a"))).members == {1, 2, 3}
    cluster.down = {1, 2}
    with pytest.raises(NoMajorityError):
        await cluster.change(3, writing("b"))


async def test_who_missed_two_changes_of_members_decides_nothing_without_the_present_ones() -> None:
    cluster = Cluster.of(1, 2, 3)
    cluster.start(4)
    for away, gone_or_new in (({3}, 3), ({3}, 4), ({1, 3}, 1)):
        cluster.down = away
        await cluster.change(2, toggling(gone_or_new))
    assert (await cluster.change(2, writing("a"))) == Log(frozenset({2, 4}), ("a",))
    cluster.down = {2}
    with pytest.raises(NoMajorityError):
        await cluster.change(3, writing("b"))
    cluster.down = set()
    assert (await cluster.change(3, writing("b"))).entries == ("a", "b")


def test_an_acceptor_keeps_its_promise_over_a_restart() -> None:
    cluster = Cluster.of(1)
    cluster.acceptors[1].prepare((5, 2))
    cluster.start(1)
    assert not cluster.acceptors[1].prepare((4, 3)).agreed
    assert not cluster.acceptors[1].prepare((5, 2)).agreed
    assert not cluster.acceptors[1].accept((4, 3), Log(frozenset({1}))).agreed
    assert cluster.acceptors[1].accept((5, 2), Log(frozenset({1}))).agreed


def test_an_acceptor_that_could_not_save_has_not_agreed() -> None:
    def fail(_: Kept[Log]) -> None:
        raise OSError("disk full")

    acceptor: Acceptor[Log] = Acceptor(Kept(), fail)
    with pytest.raises(OSError, match="disk full"):
        acceptor.prepare((1, 1))
    assert acceptor.kept == Kept()


@dataclass
class History:
    """Members write, fail, restart, come and go at random."""

    seed: int
    decided: list[tuple[Ballot, Log]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.cluster = Cluster.of(1, chance=self.chance)

    async def attempt(self, member: int, function: Callable[[Log], Log]) -> bool:
        if not self.cluster.disks.get(member, Kept()).value:
            return False
        with suppress(OutbidError, NoMajorityError):
            self.decided.append(await self.cluster.proposers[member].change(function))
            return True
        return False

    async def resize(self) -> None:
        """Any node admits or dismisses another, at any time."""
        for _ in range(20):
            admin, member = self.chance.choice((1, *self.cluster.acceptors)), self.chance.randrange(1, 6)
            if member not in self.cluster.acceptors:
                self.cluster.start(member)
            await self.attempt(admin, toggling(member))

    async def write(self, member: int) -> None:
        for n in range(6):
            await self.attempt(member, writing(f"{member}.{n}"))
            await asyncio.sleep(0)

    async def disturb(self) -> None:
        for _ in range(40):
            self.cluster.lost = self.chance.choice((0, 0, 0.1, 0.3))
            self.cluster.down = {member for member in self.cluster.acceptors if self.chance.random() < 0.1}
            for _ in range(self.chance.randrange(10)):
                await asyncio.sleep(0)
            self.cluster.start(self.chance.choice(list(self.cluster.acceptors)))

    async def run(self) -> Log:
        """The value at the end."""
        await asyncio.gather(
            self.resize(), self.resize(), self.disturb(), *(self.write(member) for member in (1, 2, 3, 4, 5))
        )
        self.cluster.lost, self.cluster.down = 0, set()
        return await self.cluster.change(1, same)


async def test_no_decided_value_is_ever_lost() -> None:
    for seed in range(150):
        history = History(seed)
        final = await history.run()
        for _, log in history.decided:
            assert final.entries[: len(log.entries)] == log.entries, f"seed {seed}"
