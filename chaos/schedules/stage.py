"""Runs schedules on the live stack, under load, and holds it to what must never break."""

import asyncio
from dataclasses import dataclass
from math import inf

from chaos.checkers.pace import load_pace
from chaos.checkers.writes import acknowledged_writes
from chaos.contract import table
from chaos.experiment import Experiment
from chaos.record import Finding, Verdict
from chaos.schedules import aftermath
from chaos.schedules.promises import Felt, declared_answers
from chaos.schedules.schedule import Interval, Schedule
from chaos.schedules.trial import Happened, Trial
from chaos.traffic import traffic
from chaos.vectors import Vectors
from infra.topology import QDRANT_NODES

RATE = 12.0  # requests a second
WRITES = 10.0  # a second
CALM_S = 0.5  # under load before the first fault
WELL_S = 15.0  # besides the breakers' time to recover: services start, the gateway finds them, nodes catch up
LEAST = 5  # requests under the faults, and acknowledged writes: the shortest schedule lasts half a second

MIX = {
    "search": 6.0,
    "cached": 3.0,
    "rag-search": 2.0,
    "question": 0.5,
    "question-streamed": 0.5,
    "collections": 1.0,
    "collection-documents": 1.0,
    "collection-stats": 1.0,
    "reindex": 0.7,
    "jobs": 0.5,
    "documents": 0.5,
}
"""Every dependency of every service is asked often enough for its breaker to find out that it is back."""


@dataclass
class _Acted:
    """An interval as it goes; times by the experiment's clock."""

    begun: float
    in_force: float | None = None
    ended: float | None = None
    healed: float | None = None
    problem: str | None = None

    def since(self, began: float, fault: str) -> Happened:
        rest = (None if at is None else at - began for at in (self.in_force, self.ended, self.healed))
        return Happened(fault, self.begun - began, *rest)


async def tried(e: Experiment, schedule: Schedule, name: str, seed: int) -> Trial:
    """Run the schedule; raises NotReadyError or VectorsError where the stack is not well before."""
    await e.ready()
    began = e.now()
    nodes = {node: e.stack.url(node) for node in QDRANT_NODES}
    async with (
        Vectors(e.session, nodes, clock=e.now) as vectors,
        e.load(traffic(MIX, run=f"{e.suite.run.id}-{name}", seed=seed), rate=RATE, seed=seed) as load,
    ):
        async with vectors.writing(WRITES):
            await e.lasts(CALM_S)
            start = e.now()
            acted = await asyncio.gather(*(_act(e, interval, start) for interval in schedule.intervals))
        if not e.suite.quick:  # as every experiment does that is not about the time to recover
            await e.until(e.reset_breakers, WELL_S)
        looks = aftermath.looks(e, load, vectors)
        well = await aftermath.settled(looks, within_s=e.suite.recovery_s + WELL_S, clock=e.now)
    felt = [Felt(interval, one.begun) for interval, one in zip(schedule.intervals, acted, strict=True)]
    in_time = load_pace(load.requests).verdict is Verdict.PASSED
    findings = (
        _in_force(acted),
        declared_answers(load.requests, felt, table.load(), in_time=in_time, least=LEAST),
        # What a node has refused and kept has been written again until it was acknowledged.
        acknowledged_writes(vectors.writes, vectors.reads, stale_s=inf, least=LEAST),
        *well,
    )
    happened = tuple(
        one.since(start, interval.made.describe()) for interval, one in zip(schedule.intervals, acted, strict=True)
    )
    return Trial(name, seed, schedule, happened, findings, e.now() - began)


async def _act(e: Experiment, interval: Interval, start: float) -> _Acted:
    await e.lasts(start + interval.start - e.now())
    acted = _Acted(e.now())
    try:
        async with e.broken(interval.made):
            acted.in_force = e.now()
            await e.lasts(start + interval.end - e.now())
            acted.ended = e.now()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one fault, the others go on and all is judged
        acted.problem = f"{interval.made.describe()}: {type(error).__name__}: {error}"
    acted.healed = e.now()
    return acted


def _in_force(acted: list[_Acted]) -> Finding:
    """A schedule of which a fault was not in force has not been run."""
    bad = [one.problem for one in acted if one.problem]
    if bad:
        return Finding("faults-in-force", Verdict.UNKNOWN, "; ".join(bad), {"problems": bad})
    return Finding("faults-in-force", Verdict.PASSED, f"{len(acted)} faults in force")
