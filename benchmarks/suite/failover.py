"""What callers and writers notice when a vector node dies."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import uuid4

from benchmarks.benchmark import Bench, benchmark
from benchmarks.figures import Figure, at_most
from chaos.checkers.writes import Ack, Write
from chaos.client import Client, session
from chaos.faults import Kill
from chaos.load import Load, distinct, mixed, pace, repeated
from chaos.openloop import steps
from chaos.operations import GATEWAY, OPERATIONS
from chaos.questions import QUESTIONS
from chaos.record import GOOD, Request
from chaos.stack import Stack
from chaos.vectors import Vectors
from infra.topology import QDRANT_NODES

RATE = 200.0  # searches a second: the design's
NEW = 0.1  # the share that no cache knows, and that therefore need a vector node
WRITES = 50.0  # a second, at most
CALM_S, AFTER_S = 2.0, 2.0
DOWN_S = 6.0
ACTIVE_S = 60.0  # until the replica that died is Active again
PATIENCE_S = 15.0
ON_TIME = 0.95  # of the intended rate: below it the load proves nothing

NO_FAILED_READ = at_most(0)
WRITES_AGAIN = at_most(3)  # seconds

PRIMARY, *_, REPLICA = QDRANT_NODES


@dataclass(frozen=True)
class _Outage:
    """What was seen of one."""

    requests: Sequence[Request]
    writes: Sequence[Write]
    killed: float
    healed: float

    @property
    def failed(self) -> int:
        """Searches that were not answered with a success of their own: a stale one counts as failed."""
        return sum(request.outcome not in GOOD for request in self.requests)

    @property
    def rate(self) -> float:
        """How much of the intended load came in time."""
        return pace(self.requests).rate

    @property
    def pause_s(self) -> float:
        """The longest time without an acknowledged write, from the kill on."""
        acked = [write.ended for write in self.writes if write.ack is Ack.ACKNOWLEDGED]
        times = [self.killed, *(at for at in acked if self.killed < at < self.healed), self.healed]
        return max(later - earlier for earlier, later in pairwise(times))

    @property
    def parts(self) -> dict[str, float]:
        """Who got what."""
        outcomes = Counter(f"searches: {request.outcome}" for request in self.requests)
        return {**outcomes, **Counter(f"writes: {write.ack}" for write in self.writes)}


@benchmark(stack="proxied")
def failover(bench: Bench) -> Iterator[Figure]:
    """Failed searches, and seconds until writes are taken again, when a vector node dies under 200 searches/s."""
    calm = asyncio.run(_outage(bench.stack, None))
    late = "" if calm.rate >= ON_TIME else f"the load came late: {calm.rate:.0%} of {RATE:g} searches a second"
    unfit = "searches fail without a fault, too: those below prove nothing" if calm.failed else late
    yield Figure("nothing dies: failed searches", "", (float(calm.failed),), "lower", None, calm.parts, unfit)
    for node, role in ((REPLICA, "a replica"), (PRIMARY, "the primary")):
        outages = [asyncio.run(_outage(bench.stack, node)) for _ in range(1 if bench.effort.quick else 3)]
        worst = max(outages, key=lambda outage: outage.failed)
        failed = tuple(float(outage.failed) for outage in outages)
        yield Figure(f"{role} dies: failed searches", "", failed, "lower", NO_FAILED_READ, worst.parts)
        slowest = max(outages, key=lambda outage: outage.pause_s)
        pauses = tuple(outage.pause_s for outage in outages)
        yield Figure(f"{role} dies: writes again after", "s", pauses, "lower", WRITES_AGAIN, slowest.parts)


async def _outage(stack: Stack, node: str | None) -> _Outage:
    clock = time.monotonic
    search = OPERATIONS["search"]
    sources = {"known": repeated(search, QUESTIONS), "new": distinct(search, QUESTIONS, run=uuid4().hex[:6])}
    asks = mixed({"known": 1 - NEW, "new": NEW}, sources, seed=1)
    nodes = {name: stack.url(name) for name in QDRANT_NODES}
    async with session() as opened:
        client = Client(opened, {GATEWAY: stack.gateway}, token=stack.token(), clock=clock, patience_s=PATIENCE_S)
        for number in range(len(QUESTIONS)):
            await client.ask(number, next(sources["known"]), clock())
        async with Vectors(opened, nodes, clock=clock) as own:
            async with Load(steps(RATE, begin=clock()), asks, client.ask, clock=clock) as load, own.writing(WRITES):
                await asyncio.sleep(CALM_S)
                killed, healed = await _down(stack, node)
                await _active(own)
                await asyncio.sleep(AFTER_S)
            return _Outage(load.requests, own.writes, killed, healed)


async def _down(stack: Stack, node: str | None) -> tuple[float, float]:
    """When it was killed, and when it was allowed to start again; the same times without a node."""
    if node is None:
        began = time.monotonic()
        await asyncio.sleep(DOWN_S)
        return began, time.monotonic()
    fault = Kill(node, stays_down=True)
    saved = fault.prepare(stack)
    killed = time.monotonic()
    try:
        await asyncio.to_thread(fault.inject, stack, saved)
        await asyncio.sleep(DOWN_S)
        return killed, time.monotonic()
    finally:
        await asyncio.to_thread(fault.heal, stack, saved)


async def _active(own: Vectors) -> None:
    async with asyncio.timeout(ACTIVE_S):
        while not await own.active():  # noqa: ASYNC110 - it is another process that changes
            await asyncio.sleep(0.2)
