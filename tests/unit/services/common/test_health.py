import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.common import health
from services.common.health import Dependency, Health
from tests.servers import Clock, eventually


class Store:
    """A dependency that does what a test tells it."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.hangs = False
        self.stubborn = False

    async def ping(self) -> None:
        self.asked += 1
        while self.hangs:
            try:
                await asyncio.sleep(0.001 if self.stubborn else 60)
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise
        if self.error:
            raise self.error


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = Store()
    yield store
    store.hangs = False  # or the loop would wait for it for ever


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watching(store: Store, clock: Clock) -> Health:
    return Health([Dependency("store", store.ping)], clock=clock, ping_timeout_s=0.03)


async def test_a_success_is_kept_with_its_age(store: Store, clock: Clock) -> None:
    health = watching(store, clock)
    clock.now = 0.5  # not to be mistaken for "never"
    await health.report()
    store.error = ConnectionError("refused")
    clock.now += 90.25
    report = await health.report()
    assert report == {
        "ready": False,
        "dependencies": {
            "store": {
                "ok": False,
                "required": True,
                "last_success": "1970-01-01T00:00:00.500+00:00",
                "age_s": 90.25,
                "error": "ConnectionError: refused",
            }
        },
    }


async def test_what_never_answered_has_no_age(store: Store, clock: Clock) -> None:
    store.error = OSError("away")
    (state,) = (await watching(store, clock).report())["dependencies"].values()
    assert (state["last_success"], state["age_s"], state["error"]) == (None, None, "OSError: away")


async def test_an_answer_of_the_last_second_is_told_again(store: Store, clock: Clock) -> None:
    health = watching(store, clock)
    await health.report()
    clock.now += 1
    await health.report()
    assert store.asked == 1
    clock.now += 0.1
    await health.report()
    assert store.asked == 2


async def test_those_who_ask_at_the_same_time_share_a_round(store: Store, clock: Clock) -> None:
    health = watching(store, clock)
    await asyncio.gather(*(health.report() for _ in range(10)))
    assert store.asked == 1


async def test_one_who_stops_asking_takes_the_answer_from_nobody(store: Store, clock: Clock) -> None:
    health = watching(store, clock)
    store.hangs = True
    impatient, patient = (asyncio.create_task(health.report()) for _ in range(2))
    await eventually(lambda: store.asked)
    impatient.cancel()
    assert (await patient)["ready"] is False


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_ping_that_hangs_delays_nobody_for_long(store: Store, clock: Clock, stubborn: bool) -> None:
    health = watching(store, clock)
    store.hangs, store.stubborn = True, stubborn
    started = time.perf_counter()
    (state,) = (await health.report())["dependencies"].values()
    assert time.perf_counter() - started < 1
    assert (state["ok"], state["error"]) == (False, "no answer within 0.03 s")


async def test_a_ping_that_cannot_be_stopped_is_not_asked_again_before_it_ends(store: Store, clock: Clock) -> None:
    health = watching(store, clock)
    store.hangs = store.stubborn = True
    for _ in range(3):
        await health.report()
        clock.now += 2
    assert store.asked == 1
    store.hangs = False
    await health.report()
    clock.now += 2
    assert (await health.report())["ready"] is True


async def test_a_cancelled_ping_is_a_failed_one(clock: Clock) -> None:
    async def gives_up() -> None:
        raise asyncio.CancelledError

    (state,) = (await Health([Dependency("x", gives_up)], clock=clock).report())["dependencies"].values()
    assert (state["ok"], state["error"]) == (False, "CancelledError: ping cancelled")


async def test_dependencies_are_asked_in_the_background_until_the_service_stops(store: Store, clock: Clock) -> None:
    async with Health([Dependency("store", store.ping)], clock=clock, interval_s=0.005):
        await eventually(lambda: store.asked >= 3)
        store.hangs = True
        await eventually(lambda: len(asyncio.all_tasks()) >= 4)  # this one, the rounds', the round, the ping
    await eventually(lambda: len(asyncio.all_tasks()) == 1)


def test_a_ping_has_longer_than_the_clients_limits_and_less_than_who_asks() -> None:
    assert health.PING_TIMEOUT_S == 1.5
