"""The outage contract, row by row: every dependency failing in every way, every endpoint asked meanwhile."""

import asyncio

import pytest

from chaos.checkers.cache_headers import cache_headers
from chaos.checkers.crossing import crossing
from chaos.checkers.outage import Outage, outage_contract
from chaos.checkers.pace import load_pace
from chaos.checkers.recovery import recovery
from chaos.checkers.steady import Steady, steady_state
from chaos.contract import table
from chaos.experiment import Experiment, experiment
from chaos.outages import EDGES, KINDS, faults, mark, targets
from chaos.record import Window
from chaos.traffic import traffic
from infra.probes.metrics import of

RATE = 20.0  # requests a second, of all endpoints together
CALM_S = 1.2
DURING_S = 2.5
AFTER_S = 2.1
ENDED_S = 0.3  # in which the attempts end that the healing has let go
QUICK = {
    ("ollama", "black-hole"),
    ("qdrant", "black-hole"),
    ("qdrant-one-node", "down"),
    ("redis", "down"),
    ("timescaledb", "black-hole"),
    ("query", "down"),
    ("ingestion", "down"),
}
"""What the quick suite has the time for: every dependency once, and both of the kinds that differ the most."""
STEADY = Steady(good_share=0.98, p95_s=3.0, least=15)  # an answer takes a second on two cores, two at once longer
ATTEMPTS = 3  # that must have met the fault
FEW = 1  # where a client leaves a node that failed alone for a while

MIX = {
    "cached": 4.0,
    "search": 6.0,
    "question": 0.5,
    "question-streamed": 0.5,
    "rag-search": 3.0,
    "rag-question": 0.3,
    "rag-status": 0.5,
    "documents": 0.5,
    "document": 0.5,
    "document-search": 0.5,
    "collections": 0.5,
    "collection-documents": 1.0,
    "collection-stats": 1.0,
    "reindex": 0.2,
    "jobs": 0.5,
    "health": 1.0,
}


MORE = {"ingestion": {"reindex": 5.0}, "query": {"rag-search": 6.0}}
"""Of what asks a dependency that little else asks."""


@pytest.mark.parametrize(
    ("dependency", "kind"),
    [
        pytest.param(*pair, marks=() if pair in QUICK else pytest.mark.full)
        for pair in ((dependency, kind) for dependency in EDGES for kind in KINDS)
    ],
)
@experiment("breakers", "fallback", "no-downtime")
async def test_outage(e: Experiment, dependency: str, kind: str) -> None:
    """{dependency} is {kind}: every caller gets what the outage contract declares, and all is well afterwards."""
    run = f"{e.unique}-{dependency}-{kind}"
    async with e.load(traffic(MIX | MORE.get(dependency, {}), run=run, seed=e.suite.run.seed), rate=RATE):
        await e.lasts(CALM_S)
        before = await e.snapshot()
        broke = e.now()
        async with e.broken(*faults(dependency, kind)):
            await e.lasts(DURING_S)
        healed = e.now()
        await asyncio.sleep(ENDED_S)
        after = await e.snapshot()
        await e.recovered()
        await asyncio.sleep(AFTER_S)
    window = Window(
        "outage", kind, dependency, max(w.started for w in e.windows), min(w.ended or 0.0 for w in e.windows)
    )
    e.check(outage_contract(e.requests, [Outage(dependency, kind, window)], table.load(), least=12))
    consumers = {edge.partition("->")[0] for edge in EDGES[dependency]}  # others may meet troubles of their own
    for target in targets(dependency):
        sign = mark(dependency, kind)
        e.check(
            crossing(
                of(before, *consumers),
                of(after, *consumers),
                dependency=target,
                outcomes=sign.outcomes,
                slower_than_s=sign.slower_than_s,
                least=FEW if dependency == "qdrant-one-node" or target == "redis" else ATTEMPTS,
            )
        )
    e.check(steady_state(e.requests, before=broke, after=e.now() - AFTER_S, steady=STEADY))
    e.check(recovery(e.requests, healed=healed, within_s=e.suite.recovery_s + 5, steady=STEADY))
    e.check(cache_headers(e.requests, least=0))
    e.check(load_pace(e.requests))
