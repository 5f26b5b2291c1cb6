"""The cache: fresh answers, stale ones when nothing else is left, and never an old one for a new one."""

import asyncio
from collections.abc import Sequence

from chaos.checkers.cache_headers import cache_headers
from chaos.experiment import Experiment, experiment
from chaos.faults import Down, FullCache, Kill, Latency
from chaos.inbox import Inbox
from chaos.load import distinct, mixed, repeated
from chaos.operations import OPERATIONS
from chaos.questions import QUESTIONS
from chaos.record import GOOD, Outcome, Request
from chaos.scorecard.measures import quantile
from infra.probes.metrics import delta, total

SEARCH = OPERATIONS["search"]
REDIS_S = 0.020  # the most that a Redis that is away may cost a request, after the first failure
NOISE_S = 0.030  # between two medians of the same stack on two shared cores


async def ask(e: Experiment, operation: str = "search", **values: str) -> Request:
    """One request, on the record."""
    asked = await e.client.ask(len(e.requests), e.ask(operation, **values), e.now())
    e.note(asked)
    return asked


@experiment("fallback", "breakers")
async def test_stale_answers_with_both_headers_and_honest_refusals(e: Experiment) -> None:
    """The documents have changed and the model is away: known questions get a stale answer that says so, others 503."""
    async with Inbox(e) as inbox:
        await inbox.write("tides.md", "# Tides\n\nThe harbour closes at low water, which is at noon today.")
        known = {"question": "when does the harbour close", "collection": inbox.collection}
        for operation in ("search", "question"):
            await ask(e, operation, **known)
        cached = [(await ask(e, operation, **known)).outcome for operation in ("search", "question")]
        await inbox.write("tides.md", "# Tides\n\nThe harbour closes at low water, which is at dusk today.")
        async with e.broken(Down("query->ollama")):
            stale = [await ask(e, operation, **known) for operation in ("search", "question", "question-streamed")]
            new = await ask(e, "search", question="what is a breakwater made of", collection=inbox.collection)
    e.expect("cached-before", cached == [Outcome.CACHED] * 2, f"before: {cached}")
    outcomes = [request.outcome for request in stale]
    e.expect("stale", outcomes == [Outcome.DEGRADED] * 3, f"known questions: {outcomes}")
    e.expect("refused", new.outcome is Outcome.UNAVAILABLE, f"an unknown question: {new.outcome}")
    e.check(cache_headers(e.requests, least=3))


@experiment("fallback")
async def test_a_changed_document_never_leaves_a_stale_fresh_answer(e: Experiment) -> None:
    """Three times a document changes, its job is done, and from then on nobody gets the old text as a fresh answer."""
    old = 0
    asked = 0
    async with Inbox(e) as inbox:
        for turn in range(3):
            word = f"buoy{turn}"
            await inbox.write("light.md", f"# Light\n\nThe light at the pier is called {word}.")
            answers = [
                await asyncio.gather(
                    *(ask(e, question="what is the light called", collection=inbox.collection) for _ in range(10))
                )
                for _ in range(2)
            ]
            for request in (request for batch in answers for request in batch):
                asked += 1
                old += request.outcome not in GOOD or not inbox.is_current(request)
    cached = sum(request.outcome is Outcome.CACHED for request in e.requests)
    e.expect("never-stale", old == 0 and asked == 60, f"{old} of {asked} answers were of an older text")
    e.expect("cached", cached >= 20, f"{cached} answers came from the cache")


@experiment("fallback", "no-downtime")
async def test_redis_dies_under_load(e: Experiment) -> None:
    """Redis is killed and kept down: no request fails, and it costs no more than its timeout; then it is used again."""
    run = f"{e.unique}-redis"
    sources = {"known": repeated(SEARCH, QUESTIONS[:3]), "new": distinct(SEARCH, QUESTIONS, run=run)}
    async with e.load(mixed({"known": 1, "new": 1}, sources, seed=e.suite.run.seed), rate=20):
        await e.lasts(1.5)
        async with e.broken(Kill("redis", stays_down=True)):
            broke = e.now()
            await e.lasts(2.5)
            healed = e.now()
        again = await e.until(lambda: served_from_cache(e, healed), 8)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    live_before = [r.ended - r.started for r in e.requests if r.ended < broke and r.outcome is Outcome.LIVE]
    live_during = [r.ended - r.started for r in e.requests if broke + 0.2 < r.started and r.ended < healed]
    cost = _median(live_during) - _median(live_before)
    e.expect("none-fails", not failed and len(e.requests) > 60, f"{len(failed)} of {len(e.requests)} failed")
    e.expect("bounded-cost", cost <= REDIS_S + NOISE_S, f"the median live search takes {cost * 1000:+.0f} ms")
    e.expect("used-again", again is not None, f"answers come from the cache again after {again or 0:.1f} s")


async def served_from_cache(e: Experiment, since: float) -> bool:
    """Whether an answer that was asked for since then came from the cache."""
    return any(request.started > since and request.outcome is Outcome.CACHED for request in e.requests)


def _median(values: Sequence[float]) -> float:
    return quantile(sorted(values), 0.5)


@experiment("fallback")
async def test_a_full_cache_fails_nobody(e: Experiment) -> None:
    """Redis has no room: what it has is served, what is new is computed, and no request fails."""
    run = f"{e.unique}-full"
    sources = {"known": repeated(SEARCH, QUESTIONS[:3]), "new": distinct(SEARCH, QUESTIONS, run=run)}
    async with e.load(mixed({"known": 1, "new": 1}, sources, seed=e.suite.run.seed), rate=20):
        await e.lasts(1)
        async with e.broken(FullCache()):
            await e.lasts(2)
    failed = [request for request in e.requests if request.outcome not in GOOD]
    cached = sum(request.outcome is Outcome.CACHED for request in e.requests)
    e.expect("none-fails", not failed and len(e.requests) > 40, f"{len(failed)} of {len(e.requests)} failed")
    e.expect("cached", cached > 0, f"{cached} answers came from the cache")


@experiment("fallback", "breakers")
async def test_fifty_callers_with_one_question_make_one_embedding(e: Experiment) -> None:
    """A question that nobody has asked before comes from fifty callers at once: it is computed once."""
    question = f"how far does the beam of the lighthouse reach ({e.unique})"
    await ask(e, question=f"{question} beforehand")
    async with e.broken(Latency("query->ollama", latency_ms=1000)):  # time for all fifty to come meanwhile
        before = await e.snapshot()
        answers = await asyncio.gather(*(ask(e, question=question) for _ in range(50)))
        after = await e.snapshot()
    embedded = total(delta(before, after), "dependency_attempt_seconds_count", dependency="ollama")
    served = sum(answer.outcome in GOOD for answer in answers)
    e.expect("all-served", served == 50, f"{served} of 50 served")
    e.expect("single-flight", embedded == 1, f"{embedded:g} embeddings for 50 callers", embeddings=embedded)
