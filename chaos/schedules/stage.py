"""Runs schedules on the live stack, under load, and holds it to what must never break."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from chaos.checkers.writes import acknowledged_writes
from chaos.contract import table
from chaos.experiment import Experiment
from chaos.load import always, distinct, mixed, repeated
from chaos.openloop import OpenLoop, steps
from chaos.operations import OPERATIONS, Ask
from chaos.questions import QUESTIONS
from chaos.record import Finding, Request, Verdict
from chaos.schedules import aftermath
from chaos.schedules.points import Collection, NodeError, final_reads
from chaos.schedules.promises import Felt, declared_answers
from chaos.schedules.schedule import Interval, Schedule
from chaos.schedules.trial import Happened, Trial
from infra.topology import QDRANT_NODES

RATE = 16.0  # requests a second
WRITES = 10.0  # a second
CALM_S = 0.5  # under load before the first fault
WELL_S = 15.0  # besides the breakers' time to recover: services start, the gateway finds them, nodes catch up
LEAST = 10  # requests under the faults, and acknowledged writes
DOCUMENTS = "docs"

MIX = {
    "search": 6.0,
    "cached": 3.0,
    "rag-search": 2.0,
    "question": 1.0,
    "question-streamed": 1.0,
    "collections": 1.0,
    "collection-documents": 1.0,
    "collection-stats": 1.0,
    "reindex": 0.7,
    "jobs": 0.5,
    "documents": 0.5,
}
"""Every dependency of every service is asked often enough for its breaker to find out that it is back."""


def asks(run: str, seed: int) -> Iterator[Ask]:
    """The load: searches, questions, and what is asked of collections."""
    asked = {"search", "rag-search", "question", "question-streamed"}
    sources = {name: always(OPERATIONS[name]) for name in MIX if name not in asked and name != "cached"}
    sources |= {name: distinct(OPERATIONS[name], QUESTIONS, run=f"{run}-{name}") for name in asked}
    sources["cached"] = repeated(OPERATIONS["search"], QUESTIONS[:4])
    sources["reindex"] = always(OPERATIONS["reindex"], collection="inbox")
    return mixed(MIX, sources, seed=seed)


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
    """Run the schedule; raises NotReadyError where the stack is not well before."""
    await e.ready()
    nodes = {node: e.stack.url(node) for node in QDRANT_NODES}
    own = Collection(e.session, nodes, f"chaos-{e.suite.run.id}-{name}", e.now)
    documents = replace(own, name=DOCUMENTS)
    await own.create()
    began = e.now()
    async with e.load(asks(f"{e.suite.run.id}-{name}", seed), rate=RATE, seed=seed) as load:
        async with OpenLoop(steps(WRITES, begin=began), _writing(own), missed=_nothing, clock=e.now, grace_s=10):
            await e.lasts(CALM_S)
            start = e.now()
            acted = await asyncio.gather(*(_act(e, interval, start) for interval in schedule.intervals))
        if not e.suite.quick:
            await e.reset_breakers()
        within_s = e.suite.recovery_s + WELL_S
        findings = await aftermath.settled(
            aftermath.looks(e, load, [own, documents]), within_s=within_s, clock=e.now
        )
    felt = [Felt(interval, one.begun, inf) for interval, one in zip(schedule.intervals, acted, strict=True)]
    findings = [
        _in_force(acted),
        declared_answers(load.requests, felt, table.load(), least=LEAST),
        await _kept(own),
        *findings,
    ]
    happened = tuple(
        one.since(start, interval.made.describe())
        for interval, one in zip(schedule.intervals, acted, strict=True)
    )
    return Trial(name, seed, schedule, happened, tuple(findings), e.now() - began)
