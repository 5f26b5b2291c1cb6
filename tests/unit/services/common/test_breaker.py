import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from circuitbreaker import CircuitBreaker

from services.common.breaker import Breaker, BreakerOpenError, Consecutive, FailureShare, NeutralError, Result, Rule
from services.common.errors import NotFoundError, UnavailableError
from tests.servers import Clock

FAILS = UnavailableError("away")


class Notes:
    """Everything a breaker tells its observers, as words."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def began(self, breaker: Breaker, call: int, *, probe: bool) -> None:
        self.said.append("probe" if probe else "began")

    def ended(self, breaker: Breaker, call: int | None, result: Result) -> None:
        self.said.append(result.value)

    def changed(self, breaker: Breaker, old: str, new: str, reason: str) -> None:
        self.said.append(f"{old}->{new}")


def made(rule: Rule | None = None, *, force_closed: bool = False) -> tuple[Breaker, Clock, Notes]:
    clock, notes = Clock(), Notes()
    breaker = Breaker("ollama", rule or Consecutive(5), recovery_s=30, clock=clock, force_closed=force_closed)
    breaker.observers.append(notes)
    return breaker, clock, notes


def call(breaker: Breaker, raises: BaseException | None = None) -> None:
    """One guarded call; what it raises is what it was told to."""
    try:
        with breaker.guard():
            if raises:
                raise raises  # noqa: TRY301  # what is guarded is what raises
    except BaseException as error:
        if error is not raises:
            raise


def tripped() -> tuple[Breaker, Clock, Notes]:
    breaker, clock, notes = made()
    for _ in range(5):
        call(breaker, FAILS)
    notes.said.clear()
    return breaker, clock, notes


def test_it_opens_at_exactly_five_failures_in_a_row() -> None:
    breaker, _, notes = made()
    for failures in range(1, 6):
        assert breaker.state == "closed"
        call(breaker, FAILS)
        assert breaker.failure_count == failures % 5
    assert breaker.state == "open"
    assert notes.said == ["began", "failure"] * 5 + ["closed->open"]


def test_a_success_between_them_begins_the_count_anew() -> None:
    breaker, _, _ = made()
    for failing in (4, 4):
        for _ in range(failing):
            call(breaker, FAILS)
        call(breaker)
    assert (breaker.state, breaker.failure_count) == ("closed", 0)


@pytest.mark.parametrize("answer", [NotFoundError("no such"), None])
def test_an_answer_is_a_success_also_one_that_refuses(answer: NotFoundError | None) -> None:
    breaker, _, notes = made()
    for _ in range(4):
        call(breaker, FAILS)
    call(breaker, answer)
    assert breaker.failure_count == 0
    assert notes.said[-1] == "success"


@pytest.mark.parametrize(
    "ended", [asyncio.CancelledError(), GeneratorExit(), NeutralError("the caller's time is over"), KeyError("defect")]
)
def test_a_call_that_ended_for_other_reasons_neither_counts_nor_clears_the_count(ended: BaseException) -> None:
    breaker, _, notes = made()
    for _ in range(4):
        call(breaker, FAILS)
    call(breaker, ended)
    assert (breaker.state, breaker.failure_count, notes.said[-1]) == ("closed", 4, "neutral")
    call(breaker, FAILS)
    assert breaker.state == "open"


def test_another_dependency_s_failure_within_the_call_counts_for_nothing() -> None:
    class OwnError(UnavailableError):
        pass

    breaker, _, _ = made()
    for error in (FAILS, OwnError("own")):
        with pytest.raises(UnavailableError), breaker.guard(OwnError):
            raise error
    assert breaker.failure_count == 1


def test_open_it_lets_nothing_through_and_says_when_to_come_back() -> None:
    breaker, clock, notes = tripped()
    clock.now += 12.5
    with pytest.raises(BreakerOpenError, match="ollama is failing") as told, breaker.guard():
        pytest.fail("it was let through")
    assert told.value.response().headers["retry-after"] == "18"
    assert (told.value.status, notes.said) == (503, ["not_permitted"])


def test_it_lets_a_probe_through_after_thirty_seconds_not_before() -> None:
    breaker, clock, _ = tripped()
    clock.now += 29.999
    assert breaker.state == "open"
    clock.now += 0.001
    assert breaker.state == "half_open"


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker, clock, notes = tripped()
    clock.now += 30
    call(breaker)
    assert (breaker.state, breaker.failure_count) == ("closed", 0)
    assert notes.said == ["open->half_open", "probe", "success", "half_open->closed"]


def test_a_probe_that_fails_opens_it_for_another_thirty_seconds() -> None:
    breaker, clock, notes = tripped()
    clock.now += 30
    call(breaker, FAILS)
    assert notes.said == ["open->half_open", "probe", "failure", "half_open->open"]
    clock.now += 29
    assert breaker.state == "open"
    clock.now += 1
    assert breaker.state == "half_open"


def test_one_probe_at_a_time() -> None:
    breaker, clock, notes = tripped()
    clock.now += 30
    with breaker.guard():
        for _ in range(50):
            with pytest.raises(BreakerOpenError):
                call(breaker)
    assert breaker.state == "closed"
    assert notes.said.count("probe") == 1


@pytest.mark.parametrize("ended", [asyncio.CancelledError(), NeutralError("the caller's time is over")])
def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next(ended: BaseException) -> None:
    breaker, clock, notes = tripped()
    clock.now += 30
    call(breaker, ended)
    assert breaker.state == "half_open"
    call(breaker)
    assert breaker.state == "closed"
    assert notes.said.count("open->half_open") == 1


def test_results_of_calls_from_before_the_trip_change_nothing() -> None:
    breaker, clock, notes = made()
    early = [breaker.guard() for _ in range(3)]
    for guard in early:
        guard.__enter__()
    for _ in range(5):
        call(breaker, FAILS)
    clock.now += 10
    early[0].__exit__(None, None, None)
    assert early[1].__exit__(UnavailableError, FAILS, None) is False
    assert (breaker.state, breaker.open_remaining) == ("open", 20)
    clock.now += 20
    early[2].__exit__(None, None, None)
    assert breaker.state == "half_open"
    assert notes.said[-3:] == ["neutral"] * 3


def test_a_probe_that_has_begun_to_answer_closes_it_before_its_end() -> None:
    breaker, clock, _ = tripped()
    clock.now += 30
    guard = breaker.guard()
    guard.__enter__().responding()
    assert breaker.state == "closed"
    call(breaker)  # nobody waits for the rest of a stream
    assert guard.__exit__(UnavailableError, FAILS, None) is False
    assert (breaker.state, breaker.failure_count) == ("closed", 1)


def test_an_answer_may_be_marked_as_a_failure_and_passed_on() -> None:
    breaker, _, notes = made()
    with breaker.guard() as guarded:
        guarded.failed("it answered 502")
    assert (breaker.failure_count, notes.said[-1]) == (1, "failure")


def test_forced_closed_it_counts_and_never_opens() -> None:
    breaker, _, notes = made(force_closed=True)
    for _ in range(50):
        call(breaker, FAILS)
    assert (breaker.state, breaker.failure_count, notes.said.count("failure")) == ("closed", 50, 50)


def test_it_can_be_closed_by_hand_and_calls_under_way_do_not_count() -> None:
    breaker, _, notes = made()
    guard = breaker.guard()
    guard.__enter__()
    for _ in range(5):
        call(breaker, FAILS)
    breaker.reset()
    assert guard.__exit__(UnavailableError, FAILS, None) is False
    assert (breaker.state, breaker.failure_count) == ("closed", 0)
    assert notes.said[-2:] == ["open->closed", "neutral"]


def test_a_share_opens_it_when_there_were_enough_calls() -> None:
    breaker, _, _ = made(FailureShare(0.5, window_s=10, minimum=10))
    for _ in range(9):
        call(breaker, FAILS)
    assert breaker.state == "closed"
    call(breaker, FAILS)
    assert breaker.state == "open"


def test_fewer_failures_than_the_share_never_open_it() -> None:
    breaker, clock, _ = made(FailureShare(0.5, window_s=10, minimum=10))
    for number in range(400):
        call(breaker, FAILS if number % 5 in {0, 2} else None)
        clock.now += 0.1
    assert breaker.state == "closed"


def test_calls_that_have_left_the_window_do_not_count() -> None:
    breaker, clock, _ = made(FailureShare(0.5, window_s=10, minimum=10))
    for _ in range(9):
        call(breaker, FAILS)
    clock.now += 10
    call(breaker, FAILS)
    assert (breaker.state, breaker.failure_count) == ("closed", 1)


def test_an_opened_share_begins_anew_after_a_probe() -> None:
    breaker, clock, _ = made(FailureShare(0.5, window_s=100, minimum=2))
    call(breaker, FAILS)
    call(breaker, FAILS)
    clock.now += 30
    call(breaker)
    call(breaker, FAILS)
    assert breaker.state == "closed"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Consecutive(0),
        lambda: FailureShare(0, window_s=1, minimum=1),
        lambda: FailureShare(0.5, window_s=0, minimum=1),
        lambda: FailureShare(0.5, window_s=1, minimum=0),
        lambda: Breaker("x", Consecutive(5), recovery_s=0),
    ],
)
def test_settings_that_the_library_would_replace_in_silence_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"breaker|rule"):
        wrong()


def test_the_library_s_own_way_to_guard_is_refused() -> None:
    breaker, _, _ = made()
    assert isinstance(breaker, CircuitBreaker)
    with pytest.raises(TypeError, match="guard"), breaker:
        pytest.fail("it was entered")


async def test_fifty_callers_at_once_make_one_probe() -> None:
    breaker, clock, _ = tripped()
    clock.now += 30
    reached = 0

    async def ask() -> str:
        nonlocal reached
        try:
            with breaker.guard():
                reached += 1
                await asyncio.sleep(0)
        except BreakerOpenError:
            return "refused"
        return "asked"

    answers = await asyncio.gather(*(ask() for _ in range(50)))
    assert (reached, answers.count("refused")) == (1, 49)


async def test_a_timeout_within_the_call_counts_and_one_around_it_does_not() -> None:
    breaker, _, _ = made()

    async def slow() -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(1)
        except TimeoutError:
            raise FAILS from None

    async def guarded(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with breaker.guard():
            await body()

    with pytest.raises(UnavailableError):
        await guarded(slow)
    assert breaker.failure_count == 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await guarded(lambda: asyncio.sleep(1))
    assert breaker.failure_count == 1


def test_it_describes_itself() -> None:
    breaker, clock, _ = tripped()
    clock.now += 5
    described = breaker.describe()
    assert (described["state"], described["probe_in_s"], described["rule"]) == ("open", 25, "5 failures in a row")
    clock.now += 25
    with breaker.guard():
        assert breaker.describe()["probing"] is True
