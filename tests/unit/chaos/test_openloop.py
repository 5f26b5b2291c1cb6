import asyncio
from itertools import islice

import pytest

from chaos.openloop import OpenLoop, steps
from tests.unit.chaos.virtual_time import VirtualTime, virtual_time


def test_a_rate_without_jitter_is_even() -> None:
    assert list(islice(steps(4, begin=1), 4)) == [1.0, 1.25, 1.5, 1.75]


def test_jitter_keeps_the_order_and_the_rate_and_can_be_repeated() -> None:
    times = list(islice(steps(10, jitter=1, seed=7), 500))
    assert times == sorted(times)
    assert all(number / 10 <= time < (number + 1) / 10 for number, time in enumerate(times))
    assert times == list(islice(steps(10, jitter=1, seed=7), 500))
    assert times != list(islice(steps(10, jitter=1, seed=8), 500))


@pytest.mark.parametrize(("rate", "jitter"), [(0, 0), (-1, 0), (1, 1.1), (1, -0.1)])
def test_a_rate_that_is_none_is_refused(rate: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="is none"):
        next(steps(rate, jitter=jitter))


class Work:
    def __init__(self, time: VirtualTime, seconds: float) -> None:
        self.time, self.seconds = time, seconds
        self.begun: list[tuple[float, float]] = []
        self.missed: list[float] = []
        self.cut = 0

    async def __call__(self, number: int, intended: float) -> None:
        assert number == len(self.begun)
        self.begun.append((intended, self.time()))
        try:
            await self.time.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cut += 1
            raise

    def miss(self, _: int, intended: float) -> None:
        self.missed.append(intended)


def loop(work: Work, times: list[float], *, most: int = 100, grace_s: float = 0.0) -> OpenLoop:
    return OpenLoop(times, work, missed=work.miss, clock=work.time, sleep=work.time.sleep, most=most, grace_s=grace_s)


async def test_what_hangs_delays_nothing_that_comes_later() -> None:
    async with virtual_time() as time:
        work = Work(time, seconds=1000)
        async with loop(work, [0.0, 1.0, 2.0, 3.0]):
            await time.sleep(10)
    assert work.begun == [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    assert work.cut == 4


async def test_with_all_slots_taken_a_start_comes_late_but_comes() -> None:
    async with virtual_time() as time:
        work = Work(time, seconds=5)
        async with loop(work, [0.0, 1.0, 2.0], most=1) as running:
            await running.finished()
    assert work.begun == [(0.0, 0.0), (1.0, 5.0), (2.0, 10.0)]
    assert work.missed == []


async def test_at_the_end_what_was_due_and_never_begun_is_missed_and_what_is_not_due_is_not() -> None:
    async with virtual_time() as time:
        work = Work(time, seconds=1000)
        async with loop(work, [0.0, 1.0, 2.0, 3.0, 99.0], most=1):
            await time.sleep(2.5)
    assert work.begun == [(0.0, 0.0)]
    assert work.missed == [1.0, 2.0]


async def test_at_the_end_what_is_under_way_gets_its_grace() -> None:
    async with virtual_time() as time:
        work = Work(time, seconds=5)
        async with loop(work, [0.0, 9.0], grace_s=2.0):
            await time.sleep(4)
    assert (work.cut, time()) == (0, 5)


async def test_an_end_without_work_under_way_takes_no_time() -> None:
    async with virtual_time() as time:
        async with loop(Work(time, seconds=1), [0.0], grace_s=60) as running:
            await running.finished()
        assert time() == 1


async def test_what_the_work_raises_is_raised_at_the_end_and_stops_no_other() -> None:
    begun = []

    async def work(number: int, _: float) -> None:
        begun.append(number)
        raise KeyError(number)

    async with virtual_time() as time:
        with pytest.raises(KeyError, match="0"):
            async with OpenLoop([0.0, 1.0], work, missed=lambda *_: None, clock=time, sleep=time.sleep) as running:
                await running.finished()
    assert begun == [0, 1]


async def test_what_the_body_raises_is_not_hidden_by_what_the_work_raised() -> None:
    async def work(*_: float) -> None:
        raise KeyError

    async def body(time: VirtualTime) -> None:
        async with OpenLoop([0.0], work, missed=lambda *_: None, clock=time, sleep=time.sleep) as running:
            await running.finished()
            raise RuntimeError("the body")

    async with virtual_time() as time:
        with pytest.raises(RuntimeError, match="the body"):
            await body(time)
