"""How long a dependency that says nothing may hold up who waits for it: until the end, not until the fault's end."""

import asyncio
from collections.abc import Mapping

from chaos.checkers.crossing import crossing
from chaos.checkers.outage import Outage, outage_contract
from chaos.contract import table
from chaos.experiment import Experiment, experiment
from chaos.load import distinct
from chaos.operations import OPERATIONS
from chaos.outages import faults, mark, targets
from chaos.questions import QUESTIONS
from chaos.record import Request, Window

KIND = "black-hole"
ASKED: Mapping[str, tuple[str, ...]] = {
    "ollama": ("search", "question", "question-streamed"),
    "query": ("rag-search",),
    "ingestion": ("reindex",),
}
"""What hangs, and operations of the contract whose limit then is a matter of seconds."""


@experiment("fallback", "breakers")
async def test_nobody_waits_longer_than_promised(e: Experiment) -> None:
    """The model, query and ingestion swallow what they are sent until everybody has an answer: each comes in time."""
    before = await e.snapshot()
    async with e.broken(*(fault for dependency in ASKED for fault in faults(dependency, KIND))):
        began = e.now()
        asked = {
            dependency: await asyncio.gather(*(ask(e, operation) for operation in operations))
            for dependency, operations in await together(e)
        }
        window = Window(KIND, KIND, "", began, e.now())
        after = await e.snapshot()
    for dependency, requests in asked.items():
        e.check(outage_contract(requests, [Outage(dependency, KIND, window)], table.load()))
        for target in targets(dependency):
            e.check(crossing(before, after, dependency=target, outcomes=mark(KIND).outcomes, least=1))
