"""Circuit breakers on the stack itself: when they open, whom they let through, how they close."""

import asyncio
import time

from chaos.checkers.breaker import breaker_conformance
from chaos.checkers.breaker_laws import Rule
from chaos.checkers.crossing import crossing
from chaos.experiment import Experiment, experiment
from chaos.faults import BlackHole, Down, Flapping, Latency, Program, Reset
from chaos.load import distinct
from chaos.operations import OPERATIONS, Ask
from chaos.outages import FAILED
from chaos.questions import QUESTIONS
from chaos.record import Outcome, Request
from infra.probes.metrics import delta, total

EMBEDDING = "ollama_embedding"
SEARCH = OPERATIONS["search"]
APART_S = 0.06  # questions that come at one moment are embedded together: one call, and one failure


def rule(e: Experiment) -> Rule:
    """The design's, with the stack's time to recover."""
    return Rule(recovery_s=e.suite.recovery_s, tolerance_s=0.1)


async def one(e: Experiment, questions: "list[Ask]") -> Request:
    """One search, on the record."""
    asked = await e.client.ask(len(e.requests), questions.pop(), e.now())
    e.note(asked)
    return asked


async def one_by_one(e: Experiment, questions: "list[Ask]", count: int) -> list[asyncio.Task[Request]]:
    """Searches under way, each with a call of its own to the model."""
    under_way = []
    for _ in range(count):
        under_way.append(asyncio.create_task(one(e, questions)))
        await asyncio.sleep(APART_S)
    return under_way


def fresh(e: Experiment, count: int = 100) -> list[Ask]:
    """Searches that no cache can answer."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-{e.entry.name}")
    return [next(asks) for _ in range(count)]


async def conform(e: Experiment, name: str = EMBEDDING, service: str = "query", least_trips: int = 1) -> None:
    """Hold the breaker's past to its laws."""
    histories = await e.breaker_history(service)
    own = {key: events for key, events in histories.items() if key.endswith(f"/{name}")}
    e.check(breaker_conformance(own, rule=rule(e), least_trips=least_trips))


@experiment("breakers")
async def test_trip_at_exactly_five(e: Experiment) -> None:
    """Four failures leave the breaker closed, the fifth opens it, and no further call reaches the dependency."""
    asks = fresh(e)
    before = await e.snapshot()
    async with e.broken(Down("query->ollama")):
        states = []
        for _ in range(8):
            await one(e, asks)
            states.append((await e.breaker(EMBEDDING))["state"])
        after = await e.snapshot()
    reached = total(delta(before, after), "dependency_attempt_seconds_count", dependency="ollama", outcome="refused")
    e.check(crossing(before, after, dependency="ollama", outcomes=FAILED, least=5))
    e.expect("opens-at-five", states == ["closed"] * 4 + ["open"] * 4, f"states after each failure: {states}")
    e.expect(
        "open-permits-nothing", reached == 5, f"{reached:g} attempts reached the edge in 8 requests", reached=reached
    )
    refused = all(request.outcome is Outcome.UNAVAILABLE for request in e.requests)
    e.expect("honest-refusal", refused, "every caller got a 503 with Retry-After")
    await conform(e)


@experiment("breakers")
async def test_one_probe_with_fifty_waiting(e: Experiment) -> None:
    """When the time to recover is over, one of fifty waiting callers probes; the others are told to come back."""
    asks = fresh(e, 200)
    async with e.broken(Down("query->ollama")):
        for _ in range(5):
            await one(e, asks)
        opened = (await e.breaker(EMBEDDING))["state"] == "open"
        await e.until(lambda: half_open(e, EMBEDDING), e.suite.recovery_s + 5)
    async with e.broken(Latency("query->ollama", latency_ms=400)):
        before = await e.snapshot()
        answers = await asyncio.gather(*(one(e, asks) for _ in range(50)))
        after = await e.snapshot()
    probes = total(delta(before, after), "dependency_attempt_seconds_count", dependency="ollama")
    served = sum(answer.outcome is Outcome.LIVE for answer in answers)
    refused = sum(answer.outcome is Outcome.UNAVAILABLE for answer in answers)
    e.expect("tripped", opened, "the breaker was open before")
    e.expect("one-probe", probes == 1, f"{probes:g} calls reached the dependency", probes=probes)
    e.expect("others-refused", (served, refused) == (1, 49), f"{served} served, {refused} refused of 50")
    await conform(e)


async def half_open(e: Experiment, name: str, service: str = "query") -> bool:
    """Whether a call may probe."""
    return bool((await e.breaker(name, service))["state"] == "half_open")


@experiment("breakers")
async def test_recovery_takes_its_time(e: Experiment) -> None:
    """A breaker whose dependency is back at once closes after the time to recover, by one successful probe."""
    asks = fresh(e, 400)
    async with e.broken(Down("query->ollama")):
        for _ in range(5):
            await one(e, asks)
        opened = time.monotonic()
    while (answer := await one(e, asks)).outcome is not Outcome.LIVE:
        if time.monotonic() - opened > e.suite.recovery_s + 10:
            break
        await asyncio.sleep(0.1)
    took = time.monotonic() - opened
    at = e.suite.recovery_s
    e.expect("recovers-after", at - 0.2 <= took <= at + 2, f"served again {took:.2f} s after it opened, {at:g} s set")
    e.expect("closed", answer.outcome is Outcome.LIVE and not await e.open_breakers(), "closed after one probe")
    await conform(e)


@experiment("false-positives")
async def test_a_blip_trips_a_breaker_and_is_known_as_a_false_positive(e: Experiment) -> None:
    """Calls that all fail at the very moment at which the dependency is back: a false positive, counted as one."""
    asks = fresh(e)
    async with e.broken(Reset("query->ollama")):
        for _ in range(3):  # spend the second tries that calm times have saved: they would make up for the blip
            for _ in range(5):
                await one(e, asks)
            await e.reset_breakers()
    before = (await e.breaker(EMBEDDING))["false_positives"]
    async with e.broken(BlackHole("query->ollama", stream="up")):
        hanging = await one_by_one(e, asks, 8)
        await asyncio.sleep(0.5)  # with that less than the embedding's own limit: the healing ends them, and they fail
    await asyncio.gather(*hanging)
    await e.until(lambda: judged(e, before), 5)
    breaker = await e.breaker(EMBEDDING)
    e.expect("tripped", breaker["trips"] > 0 and breaker["state"] != "closed", f"the breaker is {breaker['state']}")
    e.expect(
        "known-as-false-positive",
        breaker["false_positives"] == before + 1,
        f"false positives {before} -> {breaker['false_positives']}",
    )
    await conform(e)


async def judged(e: Experiment, before: int) -> bool:
    """Whether another trip has been found to be a false positive."""
    return bool((await e.breaker(EMBEDDING))["false_positives"] > before)


@experiment("breakers", "false-positives")
async def test_forced_closed_never_opens(e: Experiment) -> None:
    """With CIRCUIT_BREAKER_FORCE_CLOSED=true every call is made, however many fail."""
    asks = fresh(e)
    async with e.broken(Program("query", {"CIRCUIT_BREAKER_FORCE_CLOSED": "true"})):
        await e.until(lambda: serves(e, asks), 20)
        before = await e.snapshot()
        async with e.broken(Down("query->ollama")):
            for _ in range(15):
                await one(e, asks)
            after = await e.snapshot()
            state = (await e.breaker(EMBEDDING))["state"]
    await e.until(lambda: serves(e, asks), 20)
    e.check(crossing(before, after, dependency="ollama", outcomes=FAILED, least=15))
    e.expect("stays-closed", state == "closed", f"the breaker is {state} after 15 failures")


@experiment("breakers")
async def test_hang_ups_count_for_nothing(e: Experiment) -> None:
    """Twenty callers who hang up while the dependency is slow neither open the breaker nor clear its count."""
    asks = fresh(e)
    async with e.broken(Latency("query->ollama", latency_ms=1500)):
        before = await e.snapshot()
        hanging = await one_by_one(e, asks, 8)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await asyncio.sleep(0.5)
        after = await e.snapshot()
        breaker = await e.breaker(EMBEDDING)
    grown = delta(before, after)
    neutral = total(grown, "breaker_calls_total", breaker=EMBEDDING, outcome="neutral")
    failed = total(grown, "breaker_calls_total", breaker=EMBEDDING, outcome="failure")
    e.expect("cancelled", neutral >= 6, f"{neutral:g} calls ended neutral", neutral=neutral)
    e.expect("cancellation-is-neutral", (failed, breaker["state"]) == (0, "closed"), f"{failed:g} failures counted")
    await conform(e, least_trips=0)


@experiment("breakers")
async def test_a_share_of_failures_opens_the_breaker_between_services(e: Experiment) -> None:
    """rag-service stops asking query when half of at least ten calls in its window failed, and asks again later."""
    asks = [Ask(OPERATIONS["rag-search"], ask.values) for ask in fresh(e, 300)]
    async with e.broken(Down("rag-service->query")):
        before = await e.snapshot()
        for _ in range(30):
            await one(e, asks)
        after = await e.snapshot()
        breaker = await e.breaker("query", "rag-service")
    reached = total(delta(before, after), "dependency_attempt_seconds_count", dependency="query", outcome="refused")
    e.check(crossing(before, after, dependency="query", outcomes=FAILED, least=5))
    e.expect("opens", breaker["state"] == "open", f"the breaker is {breaker['state']} after 30 failures")
    e.expect("open-permits-nothing", 5 <= reached <= 12, f"{reached:g} of 30 calls reached the edge", reached=reached)
    if e.suite.quick:
        closed = await e.until(lambda: serves(e, asks), e.suite.recovery_s + 5)
        e.expect("recovers", closed is not None, f"served again after {closed or 0:.1f} s")


async def serves(e: Experiment, asks: "list[Ask]") -> bool:
    """Whether a search is answered."""
    return (await one(e, asks)).outcome in {Outcome.LIVE, Outcome.CACHED}


@experiment("breakers")
async def test_a_short_deadline_is_kept_and_is_no_failure(e: Experiment) -> None:
    """A caller who gives a request 300 ms is answered in time while the model is slow, and no breaker opens for it."""
    asks = fresh(e)
    headers = {"Authorization": f"Bearer {e.stack.token(e.suite.consumer)}", "X-Request-Deadline": "300"}
    took: list[float] = []
    statuses: list[int] = []
    async with e.broken(Latency("query->ollama", latency_ms=1500)):
        for _ in range(8):
            began = time.monotonic()
            async with e.session.get(e.stack.gateway + asks.pop().path, headers=headers) as answer:
                await answer.read()
            took.append(time.monotonic() - began)
            statuses.append(answer.status)
        breaker = await e.breaker(EMBEDDING)
    e.expect("in-time", max(took) < 0.6, f"the slowest answer took {max(took):.3f} s of 0.3 s", slowest_s=max(took))
    e.expect("honest", set(statuses) == {503}, f"statuses {sorted(set(statuses))}")
    e.expect("deadline-is-neutral", breaker["state"] == "closed" and not breaker["failures"], "no failure counted")


@experiment("breakers", "no-downtime")
async def test_a_flapping_dependency(e: Experiment) -> None:
    """The model goes and comes twice a second: answers are honest, the breaker keeps its laws, all is well after."""
    asks = distinct(SEARCH, QUESTIONS, run=f"{e.unique}-flapping")
    async with e.load(asks, rate=25):
        await e.lasts(0.5)
        async with e.broken(Flapping("query->ollama", down_s=0.25, up_s=0.25)):
            await e.lasts(2.5)
        back = await e.recovered()
    honest = {Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED, Outcome.UNAVAILABLE}
    dishonest = [request for request in e.requests if request.outcome not in honest]
    refused = sum(request.outcome is Outcome.UNAVAILABLE for request in e.requests)
    e.expect("honest", not dishonest, f"{len(dishonest)} of {len(e.requests)} answers were not honest")
    e.expect("felt", refused > 0, f"{refused} requests met the fault")
    e.expect("back", back is not None, f"all well {back or 0:.1f} s after healing")
    await conform(e, least_trips=0)
