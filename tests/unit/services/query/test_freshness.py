"""Random histories of changes, polls and requests: once a change is done, no answer from before it is fresh."""

import asyncio
import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from services.common.versions import LEASE_S
from services.query.cache import Cache, Kept
from services.query.fallback import Fallback, Seen, Source
from services.query.flights import Flights
from services.query.replies import Reply
from services.query.versions import Versions
from tests.servers import Clock

HISTORIES = 300
UNTIL_FOUND = 3000
STEPS = 100
WEIGHTS = {"go": 4, "ask": 4, "poll": 4, "pass": 2, "change": 3, "bump": 3, "done": 4, "store": 3}
PASSES_S = (0.1, 0.5)
WAITING = 6  # at a time, or few would ever come to an end


class LateVersion(Fallback):
    """Broken: reads the version after computing."""

    def keep(self, seen: Seen, reply: Reply) -> None:
        super().keep(replace(seen, version=self._versions.current("docs")), reply)


class LateLease(Versions):
    """Broken: lets the lease begin when the database has answered."""

    async def poll(self) -> None:
        await super().poll()
        self._until = self._clock() + LEASE_S


class AnyFlight(Flights[Reply]):
    """Broken: lets requests share a computation of another version."""

    async def join(self, key: Hashable, compute: Callable[[], Any]) -> Reply:
        return await super().join("any", compute)


class LooseFlights(Fallback):
    """Broken: as AnyFlight."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._flights = AnyFlight()


@dataclass
class World:
    """The stores, a writer, two query services, and everything that waits for its turn."""

    dice: random.Random
    fallback: type[Fallback] = Fallback
    versions: type[Versions] = Versions
    wait_s: float = LEASE_S  # between the bump and the report that the change is done
    bump_first: bool = False  # the version before the content
    clock: Clock = field(default_factory=Clock)
    content: int = 0  # of the vector store
    version: int = 0  # of the database
    done: int = 0  # the content whose change has been reported as done
    bumped_at: float | None = None
    changing: bool = False
    turns: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)
    unwritten: list[Kept] = field(default_factory=list)
    kept: Kept | None = None  # in Redis
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    fresh: int = 0

    def __post_init__(self) -> None:
        self.weights = [weight * 2 ** self.dice.uniform(-1, 1) for weight in WEIGHTS.values()]
        self.known = [self.versions(self._versions, clock=self.clock) for _ in range(self.dice.choice((1, 2)))]
        cache = cast("Cache", self)  # it has what Fallback uses of one
        self.services = [self.fallback(cache, known, fresh_s=300, clock=self.clock) for known in self.known]

    async def turn(self) -> None:
        """Wait until the history lets this go on."""
        if self.dice.random() < 0.7:
            return
        turn = asyncio.get_running_loop().create_future()
        self.turns.append((0.01 if self.dice.random() < 0.2 else 1.0, turn))  # some wait for long
        await turn

    async def _versions(self) -> Mapping[str, int]:
        await self.turn()
        found = {"docs": self.version}
        await self.turn()
        return found

    async def read(self, _: str) -> Kept | None:
        await self.turn()
        return self.kept

    def keep(self, _: str, kept: Kept) -> None:
        self.unwritten.append(kept)

    async def compute(self) -> Reply:
        await self.turn()
        content = self.content
        await self.turn()
        return Reply(str(content).encode(), 1, None)

    async def ask(self, service: Fallback) -> None:
        """A request; fails if it is answered with what was no longer so."""
        asked = self.done
        seen = await service.look("search", "key", "docs")
        answered = seen.fresh or await service.answer(seen, self.compute)
        if answered.source is Source.CACHE:
            self.fresh += 1
            assert int(answered.reply.body) >= self.done
        assert int(answered.reply.body) >= asked

    async def step(self) -> None:
        step = self.dice.choices(list(WEIGHTS), self.weights)[0]
        self._serve(step)
        self._write(step)
        if step in {"go", "ask", "poll"}:
            for _ in range(5):  # as many turns of the event loop as it takes to come to rest
                await asyncio.sleep(0)

    def _serve(self, step: str) -> None:
        match step:
            case "go" if self.turns:
                chosen = self.dice.choices(self.turns, [weight for weight, _ in self.turns])[0]
                self.turns.remove(chosen)
                chosen[1].set_result(None)
            case "ask" if len(self.turns) < WAITING:
                self.tasks.append(asyncio.create_task(self.ask(self.dice.choice(self.services))))
            case "poll" if len(self.turns) < WAITING:
                self.tasks.append(asyncio.create_task(self.dice.choice(self.known).poll()))
            case "pass":
                self.clock.now += self.dice.choice(PASSES_S)
            case "store" if self.unwritten:
                self.kept = self.unwritten.pop(self.dice.randrange(len(self.unwritten)))

    def _write(self, step: str) -> None:
        match step:
            case "change" if not self.changing and self.bumped_at is None:
                self.changing = True
                self._bump() if self.bump_first else self._change()
            case "bump" if self.changing:
                self.changing = False
                self._change() if self.bump_first else self._bump()
                self.bumped_at = self.clock()
            case "done" if self.bumped_at is not None and self.clock() >= self.bumped_at + self.wait_s:
                self.done, self.bumped_at = self.content, None

    def _change(self) -> None:
        self.content += 1

    def _bump(self) -> None:
        self.version += 1


async def fresh_in(histories: int, **changes: Any) -> int:
    """How many requests were answered fresh from the cache; raises AssertionError where one must not have been."""
    fresh = 0
    for seed in range(histories):
        world = World(random.Random(seed), **changes)
        for _ in range(STEPS):
            await world.step()
        fresh += world.fresh
        for task in world.tasks:
            task.cancel()
        for ended in await asyncio.gather(*world.tasks, return_exceptions=True):
            assert not isinstance(ended, Exception), f"seed {seed}: {ended!r}"
    return fresh


async def test_no_answer_from_before_a_change_is_fresh_once_the_change_is_done() -> None:
    assert await fresh_in(HISTORIES) > HISTORIES  # or there was little that could have been wrong


@pytest.mark.parametrize(
    "broken",
    [
        {"fallback": LateVersion},
        {"fallback": LooseFlights},
        {"versions": LateLease},
        {"wait_s": LEASE_S / 2},
        {"bump_first": True},
    ],
)
async def test_the_histories_find_what_is_broken(broken: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="seed"):
        await fresh_in(UNTIL_FOUND, **broken)
