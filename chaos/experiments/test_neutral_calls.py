"""Calls that tell a breaker nothing of its dependency: given up, late, or their caller's own mistake."""

import asyncio

from chaos.experiment import Experiment, experiment
from chaos.experiments.test_breakers import EMBEDDING, conform, fresh, half_open, one
from chaos.faults import Down, Latency, LimitData
from chaos.operations import Ask
from chaos.record import Outcome, Request

SLOW_MS = 1500  # less than the 2 s that an embedding may take


async def hang_up(e: Experiment, asks: list[Ask], callers: int) -> None:
    """Callers who ask at once and give up while the dependency is at work."""
    hanging = [asyncio.create_task(one(e, asks)) for _ in range(callers)]
    await e.until(lambda: under_way(e, callers), 1)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await e.until(lambda: under_way(e, 0), 1)


async def under_way(e: Experiment, calls: int) -> bool:
    """Whether so many calls have begun and not ended."""
    recent = [event["event"] for event in (await e.breaker(EMBEDDING))["recent"]]
    begun = sum(event in {"began", "probe"} for event in recent)
    return begun - sum(event in {"success", "failure", "neutral"} for event in recent) == calls


async def state(e: Experiment) -> str:
    """The embedding's breaker's."""
    return str((await e.breaker(EMBEDDING))["state"])


@experiment("breakers")
async def test_hang_ups_among_failures_clear_nothing(e: Experiment) -> None:
    """Four failures, three callers who hang up, a fifth failure: the breaker opens, for nothing came in between."""
    asks = fresh(e)
    async with e.broken(Down("query->ollama")):
        for _ in range(4):
            await one(e, asks)
        before = await state(e)
    async with e.broken(Latency("query->ollama", latency_ms=SLOW_MS)):
        await hang_up(e, asks, 3)
        between = await e.breaker(EMBEDDING)
    async with e.broken(Down("query->ollama")):
        await one(e, asks)
        after = await state(e)
    e.expect("four-are-too-few", before == "closed", f"{before} after four failures")
    e.expect("count-is-kept", between["failures"] == 4, f"{between['failures']} failures after the hang-ups")
    e.expect("fifth-opens", after == "open", f"{after} after the fifth")
    await conform(e)


@experiment("breakers")
async def test_a_late_success_leaves_an_open_breaker_open(e: Experiment) -> None:
    """A call is slow, five after it fail and open the breaker: its success is its caller's, and changes nothing."""
    asks = fresh(e)
    async with e.broken(Latency("query->ollama", latency_ms=SLOW_MS)):
        slow = asyncio.create_task(one(e, asks))
        await e.until(lambda: under_way(e, 1), 1)
        async with e.broken(LimitData("query->ollama", "up", limit=1)):  # what has been asked is not touched by it
            for _ in range(5):
                await one(e, asks)
            before = await state(e)
            answer = await slow
            after = await state(e)
    e.expect("opened-meanwhile", before == "open", f"{before} when five had failed")
    e.expect("late-success", answer.outcome is Outcome.LIVE, f"the slow call: {answer.outcome}")
    e.expect("stays-open", after == "open", f"{after} after the late success")
    await conform(e)


@experiment("breakers")
async def test_a_probe_whose_caller_hangs_up_makes_room(e: Experiment) -> None:
    """The one caller who may probe hangs up: the next one probes instead, at once, and the breaker closes."""
    asks = fresh(e)
    async with e.broken(Down("query->ollama")):
        for _ in range(5):
            await one(e, asks)
        opened = await state(e)
        await e.until(lambda: half_open(e, EMBEDDING), e.suite.recovery_s + 5)
    async with e.broken(Latency("query->ollama", latency_ms=SLOW_MS)):
        await hang_up(e, asks, 1)
        between = await state(e)
    next_one = await one(e, asks)
    e.expect("tripped", opened == "open", f"{opened} after five failures")
    e.expect("tells-nothing", between == "half_open", f"{between} after the hang-up")
    e.expect("next-one-probes", next_one.outcome is Outcome.LIVE, f"the next caller: {next_one.outcome}")
    await conform(e)


@experiment("breakers", "false-positives")
async def test_callers_mistakes_count_for_nothing(e: Experiment) -> None:
    """Twelve searches of a collection that is not there: 404 for each, and no breaker minds."""
    asks = [Ask(ask.operation, {**ask.values, "collection": "nowhere"}) for ask in fresh(e, 12)]
    before = (await e.breaker("qdrant_search"))["trips"]
    answers: list[Request] = [await one(e, asks) for _ in range(12)]
    right = await one(e, fresh(e, 1))
    breaker = await e.breaker("qdrant_search")
    statuses = sorted({answer.status or 0 for answer in answers})
    e.expect("told-so", statuses == [404], f"statuses {statuses}")
    e.expect("no-failure", breaker["trips"] == before and not breaker["failures"], f"the breaker is {breaker['state']}")
    e.expect("others-served", right.outcome is Outcome.LIVE, f"a right search: {right.outcome}")
    await conform(e, "qdrant_search", least_trips=0)
