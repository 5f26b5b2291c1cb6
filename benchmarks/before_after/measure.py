"""Measures one stack that is up: its latencies alone and under load, and what callers get while faults come and go."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

from benchmarks.before_after import workload
from benchmarks.before_after.record import Answer, Found, Plan, Slot, Trips, answer
from chaos import faults
from chaos.client import Client, session
from chaos.faults import FaultNotInForceError
from chaos.ledger import Ledger
from chaos.load import Load
from chaos.observe import Observed, Observer
from chaos.openloop import steps
from chaos.operations import Ask
from chaos.record import Request
from chaos.stack import Stack
from chaos.suite import SERVICES
from infra.commands import status
from infra.probes.metrics import NotSeenError, Snapshot, delta, of, total

PATIENCE_S = 30.0  # of a caller; a search has 10 s at the services, so whatever it comes to is seen
WELL_S = 60.0

Progress = Callable[[str, int], Callable[[], None]]
"""Begins to show a phase by its name and the number of its requests; returns what is called at the end of each."""


class NotWellError(RuntimeError):
    """A component of the stack is not healthy; the message names it."""


async def measure(stack: Stack, plan: Plan, progress: Progress) -> Found:
    """All phases, one after the other; raises NotWellError, and what injecting a fault raises."""
    async with session() as opened:
        token, doors = stack.token(), {"kong": stack.gateway}
        client = Client(opened, doors, token=token, clock=time.monotonic, patience_s=PATIENCE_S)
        metrics = Observed({name: f"{stack.url(name)}/metrics" for name in SERVICES})
        measuring = _Measuring(stack, plan, progress, client, Observer(opened, metrics, clock=time.monotonic))
        for phase in (measuring.alone, measuring.loaded, measuring.faulted):
            await _well(stack)
            await phase()
    return measuring.found


@dataclass(frozen=True)
class _Measuring:
    stack: Stack
    plan: Plan
    progress: Progress
    client: Client
    observer: Observer
    found: Found = field(default_factory=Found)

    async def alone(self) -> None:
        for operation in ("search", "question"):
            await self._one_by_one(f"{operation}: warm-up", workload.repeated(operation))
            asks = workload.one_kind(operation, f"{operation} alone", self.plan.seed)
            before = await self.observer.snapshot()
            self.found.alone += await self._one_by_one(f"{operation}: one by one", islice(asks, self.plan.requests))
            if operation == "search":
                self.found.attempts_ms |= attempts_ms(before, await self.observer.snapshot())

    async def _one_by_one(self, name: str, asks: Iterator[Ask]) -> list[Answer]:
        given = list(asks)
        done, began, answers = self.progress(name, len(given)), time.monotonic(), []
        for number, ask in enumerate(given):
            answers.append(answer(await self.client.ask(number, ask, time.monotonic()), began))
            done()
        return answers

    async def loaded(self) -> None:
        load, began = self._load("under load", self.plan.load_s)
        async with load:
            await load.finished()
        self.found.loaded += [answer(request, began) for request in load.requests]

    async def faulted(self) -> None:
        load, began = self._load("faults come and go", self.plan.schedule_s)
        ledger = Ledger(self.stack, time.monotonic)
        async with load:
            for slot in self.plan.slots:
                before = await self.observer.snapshot()
                try:
                    await asyncio.to_thread(_break, ledger, slot, began)
                except FaultNotInForceError as error:
                    self.found.trouble.append(f"{slot.letter}, {slot.says}: {error}")
                await asyncio.sleep(began + slot.end - time.monotonic())
                self.found.trips.append(trips(before, await self.observer.snapshot()))
            await load.finished()
        self.found.faulted += [answer(request, began) for request in load.requests]
        self.found.trouble += ledger.problems

    def _load(self, name: str, seconds: float) -> tuple[Load, float]:
        began = time.monotonic()
        every = steps(self.plan.rate, begin=began, jitter=0.5, seed=self.plan.seed)
        times = list(takewhile(lambda at: at < began + seconds, every))
        done = self.progress(name, len(times))

        async def send(number: int, ask: Ask, intended: float) -> Request:
            request = await self.client.ask(number, ask, intended)
            done()
            return request

        asks = workload.mixed(name, self.plan.seed)
        return Load(times, asks, send, clock=time.monotonic, grace_s=PATIENCE_S), began


def attempts_ms(before: Snapshot, after: Snapshot) -> dict[str, float]:
    """The mean of the query service's attempts at each dependency between two looks; none where it was not seen."""
    count, seconds = "dependency_attempt_seconds_count", "dependency_attempt_seconds_sum"
    try:
        grown = of(delta(before, after), "query")
    except NotSeenError:
        return {}
    counts = {
        dependency: total(grown, count, dependency=dependency)
        for series in grown
        if series.name == count
        for name, dependency in series.labels
        if name == "dependency"
    }
    return {
        dependency: 1000 * total(grown, seconds, dependency=dependency) / times
        for dependency, times in sorted(counts.items())
        if times
    }


def trips(before: Snapshot, after: Snapshot) -> Trips | None:
    """The breakers' trips between two looks at all services; None where one was not seen."""
    try:
        grown = delta(before, after)
    except NotSeenError:
        return None
    return Trips(int(total(grown, "breaker_trips_total")), int(total(grown, "breaker_false_positives_total")))


async def _well(stack: Stack) -> None:
    deadline = time.monotonic() + WELL_S
    while ill := await asyncio.to_thread(status.unhealthy, stack.paths):
        if time.monotonic() > deadline:
            raise NotWellError(f"stack {stack.name} does not get well: {'; '.join(ill)}")
        await asyncio.sleep(0.2)


def _break(ledger: Ledger, slot: Slot, began: float) -> None:
    """Have the slot's fault in force until its time is over; blocks."""
    with ledger.injected(faults.from_json(slot.fault)):
        time.sleep(max(0.0, began + slot.heal - time.monotonic()))
