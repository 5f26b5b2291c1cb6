"""What must hold again once all faults of a schedule are healed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from chaos import entries
from chaos.checkers.writes import Ack
from chaos.experiment import NOT_THERE, SETTLED, Experiment
from chaos.load import Load
from chaos.record import GOOD, Finding, Verdict
from chaos.stack import Stack
from chaos.toxiproxy import ToxiproxyError
from chaos.vectors import Vectors, VectorsError

POLL_S = 0.2

Look = Callable[[], Awaitable[list[str]]]
"""What is not right yet; nothing if all is."""


def looks(e: Experiment, load: Load, vectors: Vectors) -> Mapping[str, Look]:
    """The looks by their checks, the cheap ones first."""

    async def unserved() -> list[str]:
        lately = [request.outcome for request in load.requests[-SETTLED:]]
        bad = [outcome.value for outcome in lately if outcome not in GOOD]
        return bad if len(lately) == SETTLED else ["too few answers"]

    async def unhealthy() -> list[str]:
        return await asyncio.to_thread(e.suite.unhealthy)

    async def unequal() -> list[str]:
        if not await vectors.active():
            return ["not every replica is Active in every node's eyes"]
        await vectors.write(*not_acknowledged(vectors))
        if numbers := not_acknowledged(vectors):
            return [f"{len(numbers)} writes are still not acknowledged"]
        return [] if await vectors.whole() else ["the nodes hold different points"]

    async def left() -> list[str]:
        return await asyncio.to_thread(left_over, e.stack)

    return {
        "no-fault-left": left,
        "served-again": unserved,
        "breakers-closed": e.open_breakers,
        "replicas-equal": unequal,
        "components-healthy": unhealthy,
    }


async def settled(looks: Mapping[str, Look], *, within_s: float, clock: Callable[[], float]) -> list[Finding]:
    """Look until everything is right at once; a finding for each look, by its last."""
    began = clock()
    while True:
        found = {check: await _seen(look) for check, look in looks.items()}
        seconds = clock() - began
        if not any(found.values()) or seconds > within_s:
            return [_finding(check, trouble, seconds) for check, trouble in found.items()]
        await asyncio.sleep(POLL_S)


def left_over(stack: Stack) -> list[str]:
    """Faults that the ledger still has, and edges that are not as they are without faults."""
    found = [path.name for path in entries.files(stack)]
    try:
        for edge in stack.topology.edges:
            proxy = stack.toxiproxy.proxy(edge.name)
            found += [f"{edge.name} has {toxic}" for toxic in proxy.toxics]
            found += [] if proxy.enabled else [f"{edge.name} is off"]
            if not proxy.upstream.endswith(f":{stack.port(edge.dependency, edge.port)}"):
                found.append(f"{edge.name} leads to {proxy.upstream}")
    except ToxiproxyError as error:
        found.append(str(error))
    return found


async def _seen(look: Look) -> list[str]:
    try:
        return await look()
    except (*NOT_THERE, VectorsError) as error:
        return [f"{type(error).__name__}: {error}"]


def not_acknowledged(vectors: Vectors) -> list[int]:
    """The points of which no write was: a refused one stays on the node that took it until it is repeated."""
    acknowledged = {write.element for write in vectors.writes if write.ack is Ack.ACKNOWLEDGED}
    return sorted({int(write.element) for write in vectors.writes} - {int(element) for element in acknowledged})


def _finding(check: str, trouble: list[str], seconds: float) -> Finding:
    if trouble:
        said = f"not {seconds:.1f} s after healing: {'; '.join(trouble)}"
        return Finding(check, Verdict.FAILED, said, {"trouble": trouble})
    return Finding(check, Verdict.PASSED, f"by {seconds:.1f} s after healing", {"seconds": seconds})
