import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from services.common import breakers as module
from services.common.app import create_app
from services.common.breaker import Result
from services.common.breakers import BreakerEvent, Breakers
from services.common.bulkhead import Limit
from services.common.errors import UnavailableError
from services.common.protection import Protection
from services.common.settings import ServiceSettings
from tests.servers import Clock, client, eventually

TOKEN = {"X-Service-Token": "s"}


def settings(**changed: object) -> ServiceSettings:
    return ServiceSettings.model_validate({"port": 1, "inter_service_secret": "s", **changed})


def made(**changed: object) -> tuple[Breakers, Clock, list[BreakerEvent]]:
    clock, events = Clock(), list[BreakerEvent]()
    breakers = Breakers("query", settings(**changed), clock=clock)
    breakers.record = events.append
    return breakers, clock, events


async def works() -> None:
    pass


async def is_away() -> None:
    raise ConnectionRefusedError


async def fail(protection: Protection, times: int = 5) -> None:
    for _ in range(times):
        with pytest.raises(UnavailableError):
            async with protection.call():
                raise UnavailableError("away")


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_trip_while_the_dependency_is_away_is_none_of_the_false_ones() -> None:
    breakers, _, events = made()
    await fail(breakers.dependency("away", Limit(1, 1), is_away))
    await eventually(lambda: events)
    (trip,) = events
    assert (trip.service, trip.pid, trip.breaker) == ("query", os.getpid(), "away")
    assert (trip.old_state, trip.new_state, trip.false_positive) == ("closed", "open", False)
    assert trip.reason == "5 failures in a row, the last: away"
    assert metric("breaker_false_positive_ratio", breaker="away") == 0


async def test_a_trip_while_an_independent_probe_succeeds_is_a_false_one() -> None:
    breakers, clock, events = made()
    guarded = breakers.dependency("blip", Limit(1, 1), works)
    trips, false = (metric(f"breaker_{name}_total", breaker="blip") for name in ("trips", "false_positives"))
    await fail(guarded)
    await eventually(lambda: events)
    assert events[0].false_positive is True
    assert metric("breaker_trips_total", breaker="blip") == trips + 1
    assert metric("breaker_false_positives_total", breaker="blip") == false + 1
    assert metric("breaker_false_positive_ratio", breaker="blip") == 1
    clock.now += 30
    await fail(guarded, 1)  # it opens again, which is no other trip
    assert metric("breaker_trips_total", breaker="blip") == trips + 1


async def test_a_probe_that_hangs_is_given_up_and_the_trip_is_a_true_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_S", 0.01)
    breakers, _, events = made()
    await fail(breakers.dependency("hung", Limit(1, 1), asyncio.Event().wait))
    await eventually(lambda: events)
    assert events[0].false_positive is False


async def test_every_change_is_told_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger=module.__name__)
    breakers, clock, events = made()
    guarded = breakers.dependency("all", Limit(1, 1), is_away)
    before = {to: metric("breaker_transitions_total", breaker="all", to=to) for to in module.STATES}
    await fail(guarded)
    await eventually(lambda: events)
    clock.now += 30
    await fail(guarded, 1)
    clock.now += 30
    async with guarded.call():
        assert metric("breaker_state", breaker="all") == 1
    moves = [("closed", "open"), ("open", "half_open"), ("half_open", "open")]
    moves += [("open", "half_open"), ("half_open", "closed")]
    assert [(event.old_state, event.new_state) for event in events] == moves
    after = {to: metric("breaker_transitions_total", breaker="all", to=to) for to in module.STATES}
    assert {to: after[to] - before[to] for to in after} == {"open": 2, "half_open": 2, "closed": 1}
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4 + ["INFO"]


async def test_the_state_is_of_the_moment_at_which_it_is_read() -> None:
    breakers, clock, events = made()
    await fail(breakers.dependency("read", Limit(1, 1), is_away))
    await eventually(lambda: events)
    assert metric("breaker_state", breaker="read") == 2
    clock.now += 30
    assert metric("breaker_state", breaker="read") == 1


async def test_calls_are_counted_by_their_outcome() -> None:
    breakers, _, events = made()
    guarded = breakers.dependency("counted", Limit(1, 1), is_away)
    async with guarded.call():
        pass
    await fail(guarded, 5)
    await fail(guarded, 3)
    await eventually(lambda: events)
    outcomes = {o: metric("breaker_calls_total", breaker="counted", outcome=o) for o in Result}
    assert outcomes == {"success": 1, "failure": 5, "neutral": 0, "not_permitted": 3}


async def test_the_settings_hold() -> None:
    changed = {"circuit_breaker_failure_threshold": 2, "circuit_breaker_recovery_s": 2.5}
    breakers, clock, events = made(**changed)
    guarded = breakers.dependency("settings", Limit(1, 1), is_away)
    await fail(guarded, 2)
    assert guarded.breaker.state == "open"
    clock.now += 2.5
    assert guarded.breaker.state == "half_open"
    await eventually(lambda: events)


async def test_between_services_a_share_of_failures_opens() -> None:
    breakers, _, events = made(service_breaker_minimum_calls=4)
    guarded = breakers.service("between", Limit(1, 1), is_away)
    for _ in range(2):
        async with guarded.call():
            pass
    await fail(guarded, 2)
    assert guarded.breaker.state == "open"
    await eventually(lambda: events)


@pytest.mark.parametrize("name", ["failure_threshold", "recovery_s"])
def test_settings_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings(**{f"circuit_breaker_{name}": 0})


async def test_forced_closed_none_opens() -> None:
    breakers, _, _ = made(circuit_breaker_force_closed="true")
    guarded = breakers.dependency("forced", Limit(1, 1), is_away)
    await fail(guarded, 20)
    assert guarded.breaker.state == "closed"


async def test_a_full_bulkhead_is_no_failure_and_an_open_breaker_does_not_wait_for_it() -> None:
    breakers, _, events = made()
    guarded = breakers.dependency("full", Limit(1, 0), is_away)
    async with guarded.call():
        with pytest.raises(UnavailableError, match="calls wait"):
            async with guarded.call():
                pytest.fail("it was let in")
        assert guarded.breaker.failure_count == 0
    await fail(guarded)
    async with guarded.bulkhead:
        with pytest.raises(UnavailableError, match="is failing"):
            async with guarded.call():
                pytest.fail("it was let in")
    await eventually(lambda: events)


async def test_a_call_that_may_not_be_made_fails_as_one_that_was_made() -> None:
    class OwnError(UnavailableError):
        pass

    breakers, _, events = made()
    guarded = breakers.dependency("own", Limit(1, 0), is_away)
    async with guarded.call(OwnError):
        with pytest.raises(OwnError) as shed:
            async with guarded.call(OwnError):
                pytest.fail("it was let in")
    assert shed.value.response().headers["retry-after"] == "1"
    await fail(guarded)
    with pytest.raises(OwnError) as refused:
        async with guarded.call(OwnError):
            pytest.fail("it was let in")
    assert refused.value.response().headers["retry-after"] == "30"
    await eventually(lambda: events)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    breakers, clock, events = made()
    await fail(breakers.dependency("shown", Limit(1, 1), is_away))
    await eventually(lambda: events)
    clock.now += 1
    app = create_app("query", settings(), breakers=breakers, routers=[])
    async with client(app) as http:
        yield http


async def test_all_breakers_are_shown_with_their_process_and_their_past(http: httpx.AsyncClient) -> None:
    shown: dict[str, Any] = (await http.get("/internal/breakers", headers=TOKEN)).json()
    assert (shown["service"], shown["pid"], shown["now"]) == ("query", os.getpid(), 1001)
    (breaker,) = shown["breakers"]
    assert (breaker["name"], breaker["state"], breaker["probe_in_s"], breaker["trips"]) == ("shown", "open", 29, 1)
    assert [past["event"] for past in breaker["recent"]] == ["began", "failure"] * 5 + ["open"]


async def test_one_can_be_reset(http: httpx.AsyncClient) -> None:
    answer = await http.post("/internal/breakers/shown/reset", headers=TOKEN)
    assert (answer.status_code, answer.json()["state"]) == (200, "closed")
    answer = await http.post("/internal/breakers/other/reset", headers=TOKEN)
    assert (answer.status_code, answer.json()["detail"]) == (404, "no breaker is called 'other'; there are shown")


async def test_they_are_for_the_stack_s_own_services(http: httpx.AsyncClient) -> None:
    assert (await http.get("/internal/breakers")).status_code == 403


async def test_many_refusals_do_not_push_the_past_out() -> None:
    breakers, _, events = made()
    guarded = breakers.dependency("many", Limit(1, 1), is_away)
    await fail(guarded)
    await fail(guarded, 2 * module.RECENT)
    await eventually(lambda: events)
    app = create_app("query", settings(), breakers=breakers, routers=[])
    async with client(app) as http:
        recent = (await http.get("/internal/breakers", headers=TOKEN)).json()["breakers"][0]["recent"]
    assert (len(recent), recent[-1]["times"]) == (12, 2 * module.RECENT)
