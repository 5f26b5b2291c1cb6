"""How long a dependency that says nothing may hold up who waits for it, though the fault does not end."""

import asyncio

from chaos.checkers.crossing import crossing
from chaos.checkers.outage import Outage, outage_contract
from chaos.contract import table
from chaos.experiment import Experiment, experiment
from chaos.outages import faults, mark, targets
from chaos.record import Window

KIND = "black-hole"
DEPENDENCIES = {"search": "ollama", "question": "ollama", "rag-search": "query", "reindex": "ingestion"}
"""What hangs while an operation is asked; where the contract allows a matter of seconds for it."""


@experiment("fallback", "breakers")
async def test_nobody_waits_longer_than_promised(e: Experiment) -> None:
    """The model, query and ingestion swallow what they are sent until everybody has an answer: each comes in time."""
    asks = [
        e.ask(operation, question=f"who keeps the light ({e.unique}-{operation})", collection="inbox")
        for operation in DEPENDENCIES
    ]
    dependencies = list(dict.fromkeys(DEPENDENCIES.values()))
    before = await e.snapshot()
    async with e.broken(*(fault for dependency in dependencies for fault in faults(dependency, KIND))):
        began = e.now()
        answers = await asyncio.gather(*(e.client.ask(number, ask, e.now()) for number, ask in enumerate(asks)))
        ended = e.now()
        after = await e.snapshot()
    for answer in answers:
        e.note(answer)
    for dependency in dependencies:
        outage = Outage(dependency, KIND, Window(f"{dependency} hangs", KIND, dependency, began, ended))
        own = [answer for answer in answers if DEPENDENCIES[answer.operation] == dependency]
        e.check(outage_contract(own, [outage], table.load()))
        for target in targets(dependency):
            e.check(crossing(before, after, dependency=target, outcomes=mark(dependency, KIND).outcomes, least=1))
