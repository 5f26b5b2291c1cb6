from itertools import islice

import pytest

from chaos.load import Load, always, distinct, mixed, pace, repeated
from chaos.openloop import steps
from chaos.operations import OPERATIONS, Ask
from chaos.record import Outcome, Request
from tests.unit.chaos.virtual_time import VirtualTime, virtual_time

SEARCH, HEALTH = OPERATIONS["search"], OPERATIONS["health"]


class Stack:
    def __init__(self, time: VirtualTime, seconds: float = 0.1) -> None:
        self.time, self.seconds = time, seconds

    async def ask(self, number: int, ask: Ask, intended: float) -> Request:
        started = self.time()
        await self.time.sleep(self.seconds)
        return Request(number, ask.operation.name, intended, started, self.time(), 200, Outcome.LIVE, about=ask.values)


def load(stack: Stack, times: list[float], *, most: int = 100, grace_s: float = 0.0) -> Load:
    asks = repeated(SEARCH, ["a", "b"])
    return Load(times, asks, stack.ask, clock=stack.time, sleep=stack.time.sleep, most=most, grace_s=grace_s)


async def test_every_request_is_recorded_with_its_times() -> None:
    async with virtual_time() as time, load(Stack(time), list(islice(steps(2, begin=1), 4))) as running:
        await running.finished()
    assert [(r.number, r.intended, r.started, r.ended) for r in running.requests] == [
        (0, 1.0, 1.0, 1.1),
        (1, 1.5, 1.5, 1.6),
        (2, 2.0, 2.0, 2.1),
        (3, 2.5, 2.5, 2.6),
    ]
    assert [r.about["question"] for r in running.requests] == ["a", "b", "a", "b"]


async def test_a_stack_that_hangs_makes_requests_wait_and_the_record_says_for_how_long() -> None:
    async with virtual_time() as time, load(Stack(time, seconds=10), [0.0, 1.0], most=1) as running:
        await running.finished()
    assert [request.seconds for request in running.requests] == [10.0, 19.0]


async def test_what_has_not_ended_and_what_has_not_begun_is_recorded_as_lost() -> None:
    async with (
        virtual_time() as time,
        load(Stack(time, seconds=1000), [0.0, 1.0, 2.0], most=2, grace_s=3) as running,
    ):
        await time.sleep(5)
    lost = sorted(running.requests, key=lambda request: request.number)
    assert [(r.number, r.intended, r.outcome) for r in lost] == [(n, float(n), Outcome.LOST) for n in range(3)]
    assert lost[0].error == "the load ended before the answer"
    assert lost[0].seconds == 8
    assert lost[2].error == "never begun: too many were under way"


async def test_the_pace_tells_of_late_starts() -> None:
    async with virtual_time() as time:
        async with load(Stack(time, seconds=0.0), list(islice(steps(10), 50))) as even:
            await even.finished()
        async with load(Stack(time, seconds=2), [6.0, 7.0, 8.0], most=1) as hindered:
            await hindered.finished()
    assert (pace(even.requests).rate, pace(even.requests).late) == (1.0, 0)
    assert pace(hindered.requests).rate == pytest.approx(2 / 4)
    assert (pace(hindered.requests).late, pace(hindered.requests).worst_s) == (2, 2.0)


def test_a_pace_needs_two_requests() -> None:
    with pytest.raises(ValueError, match="two requests"):
        pace([])


def test_distinct_questions_never_come_twice_and_repeated_ones_do() -> None:
    asked = [ask.values["question"] for ask in islice(distinct(SEARCH, ["a", "b"], run="r1"), 100)]
    assert len(set(asked)) == 100
    assert {ask.values["question"] for ask in islice(repeated(SEARCH, ["a", "b"]), 100)} == {"a", "b"}


def test_a_mix_follows_its_weights_and_can_be_repeated() -> None:
    def drawn(seed: int) -> list[str]:
        sources = {"search": repeated(SEARCH, ["a"]), "health": always(HEALTH)}
        return [ask.operation.name for ask in islice(mixed({"search": 3, "health": 1}, sources, seed=seed), 1000)]

    assert 700 < drawn(1).count("search") < 800
    assert drawn(1) == drawn(1) != drawn(2)
