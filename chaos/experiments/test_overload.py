"""More than the stack can do: it sheds at once, says that it lives, and costs no more than it must."""

import asyncio
import time

import pytest

from chaos.checkers.amplification import Bounds, amplification
from chaos.checkers.crossing import crossing
from chaos.checkers.liveness import liveness
from chaos.experiment import Experiment, experiment
from chaos.faults import BlackHole, Latency
from chaos.load import always, distinct
from chaos.operations import OPERATIONS
from chaos.outages import FAILED
from chaos.questions import QUESTIONS
from chaos.record import Outcome
from infra.probes.metrics import delta, total

SEARCH = OPERATIONS["search"]
HONEST = {Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED, Outcome.UNAVAILABLE}
FLOOD, FLOOD_S = 120.0, 3.2  # searches a second; the model lets eight calls through a second, for some questions each
LOOKS = 40.0  # at liveness a second, each at its time: who waits for the one before sees one long wait as one
WITHIN_S = 0.05  # for liveness, the design's
HANG_UP_S = 0.5  # from a hang-up to the end of the work behind it


@experiment("no-downtime", "breakers")
async def test_overload_is_shed_and_liveness_stays(e: Experiment) -> None:
    """Many more searches than a slow model lets through: the surplus gets a 503, /health answers within 50 ms."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-overload")
    async with e.broken(Latency("query->ollama", latency_ms=1000)):
        looks = always(OPERATIONS["health"], service="query")
        async with e.load(looks, rate=LOOKS), e.load(asks, rate=FLOOD):
            await e.lasts(FLOOD_S)
    answers = [request for request in e.requests if request.operation == SEARCH.name]
    shed = [answer for answer in answers if answer.outcome is Outcome.UNAVAILABLE]
    dishonest = [answer for answer in answers if answer.outcome not in HONEST]
    e.expect("sheds", len(shed) > 150, f"{len(shed)} of {len(answers)} were refused")
    e.expect("honest", not dishonest, f"{len(dishonest)} answers were neither an answer nor an honest 503")
    e.check(liveness(e.requests, in_flight=20, within_s=WITHIN_S, share=0.9, least=40))


@experiment("no-downtime")
async def test_a_hang_up_stops_the_work_within_half_a_second(e: Experiment) -> None:
    """Callers who hang up, streamed or not, end the generation behind them within 500 ms."""
    ended: dict[str, float | None] = {}
    async with e.broken(Latency("query->ollama", latency_ms=3000)):
        for operation in ("question", "question-streamed", "rag-question"):
            asked = e.ask(operation, question=f"what is a pier ({e.unique}-{operation})")
            before = await cancelled(e)
            task = asyncio.create_task(e.client.ask(0, asked, e.now()))
            await asyncio.sleep(0.4)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            hung_up = time.monotonic()
            found = await e.until(lambda before=before: grew(e, before), 3)  # type: ignore[misc]  # the default binds it
            ended[operation] = None if found is None else time.monotonic() - hung_up
    slow = {name: took for name, took in ended.items() if took is None or took > HANG_UP_S}
    e.expect("stopped", not slow, f"seconds from the hang-up to the end of the work: {ended}", **ended)


async def cancelled(e: Experiment) -> float:
    """The attempts at the model that were given up so far."""
    counts = await e.snapshot()
    return total(counts, "dependency_attempt_seconds_count", dependency="ollama", outcome="cancelled")


async def grew(e: Experiment, before: float) -> bool:
    """Whether another attempt was given up."""
    return await cancelled(e) > before


async def cost(e: Experiment, edge: str) -> None:
    """What a request costs with the dependency away, against calm."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-{e.entry.name}")
    async with e.load(asks, rate=20):
        await e.lasts(1)
        first, begun = await e.snapshot(), len(e.requests)
        await e.lasts(3)
        calm, calm_requests = await e.snapshot(), len(e.requests) - begun
        async with e.broken(BlackHole(edge)):
            await e.lasts(0.5)
            broken, begun = await e.snapshot(), len(e.requests)
            await e.lasts(3)
            hurt, hurt_requests = await e.snapshot(), len(e.requests) - begun
    e.check(crossing(broken, hurt, dependency=edge.partition("->")[2], outcomes=FAILED, least=1))
    e.check(
        amplification(delta(first, calm), calm_requests, delta(broken, hurt), max(1, hurt_requests), bounds=Bounds())
    )


@experiment("breakers")
async def test_an_outage_of_redis_costs_no_more_than_twice(e: Experiment) -> None:
    """Redis hangs under load: CPU time a request at most twice that of calm, at most 10 KB of log, no retry storm."""
    await cost(e, "query->redis")


@pytest.mark.full
@experiment("breakers")
async def test_an_outage_of_the_model_costs_no_more_than_twice(e: Experiment) -> None:
    """The model hangs under load: CPU time a request at most twice that of calm, at most 10 KB of log."""
    await cost(e, "query->ollama")
