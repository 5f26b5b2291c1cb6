from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.checkers.breaker import breaker_conformance
from chaos.checkers.breaker_events import BY_HAND, CLIENT_ERROR, PROBE_ANSWERED, BreakerEvent, Kind, told
from chaos.checkers.breaker_laws import Rule, violations
from chaos.record import Verdict
from services.common.breaker import Breaker, BreakerOpenError, Call, Consecutive, Result
from services.common.errors import NotFoundError, UnavailableError
from tests.servers import Clock

RULE = Rule(threshold=5, recovery_s=30)
WORDS = {
    "(": Kind.BEGAN,
    "?": Kind.PROBE,
    "a": Kind.ANSWERED,
    "s": Kind.SUCCESS,
    "f": Kind.FAILURE,
    "n": Kind.NEUTRAL,
    "x": Kind.NOT_PERMITTED,
    "C": Kind.CLOSED,
    "H": Kind.HALF_OPEN,
    "O": Kind.OPEN,
}


def history(text: str) -> list[BreakerEvent]:
    """`(1` call 1 begins, `f1` it fails, `O` the breaker opens, `30` so many seconds pass …"""
    at, events = 0.0, []
    for word in text.split():
        if word.replace(".", "").isdigit():
            at += float(word)
        else:
            events.append(BreakerEvent(at, WORDS[word[0]], int(word[1:]) if word[1:] else None))
    return events


def broken(text: str) -> list[str]:
    return [violation.law.value for violation in violations(history(text), RULE)]


def failing(first: int, last: int) -> str:
    return " ".join(f"({call} f{call}" for call in range(first, last + 1))


TRIP = f"{failing(1, 5)} O"


@pytest.mark.parametrize(
    "text",
    [
        "(1 s1",
        f"{failing(1, 4)} (5 s5 {failing(6, 9)}",
        TRIP,
        f"{TRIP} x 29.9 x",
        f"{TRIP} 30 H ?6 s6 C (7 s7",
        f"{TRIP} 30 ?6 s6 C",
        f"{TRIP} 30 H ?6 x x f6 O 30 H ?7 s7 C",
        f"{TRIP} 30 H ?6 n6 ?7 s7 C",
        f"{TRIP} 30 H ?6 a C (7 s7 n6",
        f"{TRIP} 30 H ?6 a C f6 {failing(7, 10)} O",
        f"(1 {failing(2, 6)} O s1 x 30 H ?7 s7 C",
        f"(1 {failing(2, 6)} O 30 H ?7 s7 C f1 {failing(8, 11)} (12 s12",
        f"(1 n1 {failing(2, 3)} (4 n4 {failing(5, 7)} O",
        "(1 (2 (3 (4 (5 (6 f1 f2 f3 f4 f5 O f6 x",
        "",
    ],
)
def test_a_lawful_history_is_not_faulted(text: str) -> None:
    assert broken(text) == []


@pytest.mark.parametrize(
    ("text", "law"),
    [
        (f"{failing(1, 6)} O", "opens-at-threshold"),
        (f"{failing(1, 4)} O", "opens-at-threshold"),
        (f"{failing(1, 4)} (5 s5 (6 f6 O", "opens-at-threshold"),
        (failing(1, 5), "never-opens"),
        (f"{failing(1, 40)} (41 s41", "never-opens"),
        (f"{TRIP} 1 (6 s6", "open-permits-nothing"),
        (f"{TRIP} 31 (6", "open-permits-nothing"),
        ("(1 s1 x", "closed-permits-all"),
        (f"{TRIP} 29 H ?6 s6 C", "recovers-after"),
        (f"{TRIP} 29 ?6 s6 C", "recovers-after"),
        (f"{TRIP} 31 x", "recovers-after"),
        (f"{TRIP} 30 H ?6 ?7", "one-probe"),
        (f"{TRIP} 30 H ?6 (7", "one-probe"),
        (f"{TRIP} 30 H ?6 n6 x", "probe-slot-is-freed"),
        (f"{TRIP} 30 H ?6 s6 ?7", "success-closes"),
        (f"{TRIP} 30 H ?6 s6", "success-closes"),
        (f"{TRIP} 30 H ?6 C", "success-closes"),
        (f"{TRIP} 30 H a C", "success-closes"),
        (f"{TRIP} 30 H ?6 f6 ?7", "failure-reopens"),
        (f"{TRIP} 30 H ?6 f6 C", "failure-reopens"),
        (f"{TRIP} 30 H ?6 s6 O", "success-closes"),
        (f"{TRIP} 30 H ?6 O", "failure-reopens"),
        (f"{TRIP} 30 H ?6 n6 C", "cancellation-is-neutral"),
        (f"{TRIP} 30 H ?6 n6 O", "cancellation-is-neutral"),
        (f"{failing(1, 4)} (5 n5 {failing(6, 10)} O", "cancellation-is-neutral"),
        (f"{failing(1, 4)} (5 n5 O", "cancellation-is-neutral"),
        (f"(1 {failing(2, 6)} O s1 C", "late-result-is-neutral"),
        (f"(1 {failing(2, 6)} O 30 H ?7 s1 C", "late-result-is-neutral"),
        (f"(1 {failing(2, 6)} O 30 H ?7 f1 O", "late-result-is-neutral"),
        (f"(1 {failing(2, 6)} O 30 H ?7 s7 C f1 {failing(8, 11)} O", "late-result-is-neutral"),
        (f"(1 {failing(2, 6)} O 30 H ?7 s7 C {failing(8, 9)} s1 {failing(10, 14)} O", "late-result-is-neutral"),
    ],
)
def test_the_law_that_is_broken_is_named(text: str, law: str) -> None:
    assert law in broken(text)


def test_a_failure_of_the_callers_own_making_is_none() -> None:
    events = [BreakerEvent(0, Kind.BEGAN, 1), BreakerEvent(0, Kind.FAILURE, 1, CLIENT_ERROR)]
    assert [violation.law.value for violation in violations(events, RULE)] == ["client-error-is-no-failure"]


def test_a_history_whose_beginning_is_missing_counts_from_its_first_change() -> None:
    assert broken(f"f3 {failing(4, 6)} O 30 H ?7 s7 C {failing(8, 12)} O") == []
    assert broken(f"f3 {failing(4, 6)} O 30 H ?7 s7 C {failing(8, 13)} O") == ["opens-at-threshold"]


def test_closing_by_hand_is_no_violation() -> None:
    by_hand = BreakerEvent(1.0, Kind.CLOSED, cause=BY_HAND)
    assert violations([*history(TRIP), by_hand, *history(failing(6, 9))], RULE) == []


class Recorder:
    def __init__(self) -> None:
        self.recent: list[dict[str, object]] = []

    def began(self, breaker: Breaker, call: int, *, probe: bool) -> None:
        self.recent.append({"at": breaker.clock(), "event": "probe" if probe else "began", "call": call})

    def ended(self, breaker: Breaker, call: int | None, result: Result) -> None:
        self.recent.append({"at": breaker.clock(), "event": result.value, "call": call})

    def changed(self, breaker: Breaker, _: str, new: str, reason: str) -> None:
        self.recent.append({"at": breaker.clock(), "event": new, "reason": reason})


STEPS = st.lists(
    st.sampled_from(
        ["begin", "begin", "ok", "fail", "fail", "fail", "cancel", "404", "late", "respond", "wait", "wake"]
    ),
    max_size=80,
)


def driven(steps: Iterable[str]) -> list[BreakerEvent]:
    clock, recorder = Clock(), Recorder()
    breaker = Breaker("b", Consecutive(5), recovery_s=30, clock=clock)
    breaker.observers.append(recorder)
    under_way: list[tuple[object, Call]] = []
    raised = {"fail": UnavailableError("away"), "cancel": KeyboardInterrupt(), "404": NotFoundError("none"), "ok": None}
    for step in steps:
        clock.now += {"wait": 1.0, "wake": 30.5}.get(step, 0.001)
        if step == "begin":
            guard = breaker.guard()
            with suppress(BreakerOpenError):
                under_way.append((guard, guard.__enter__()))
        elif step == "respond" and under_way:
            under_way[-1][1].responding()
        elif step in {*raised, "late"} and under_way:
            guard, _ = under_way.pop(0 if step == "late" else -1)  # type: ignore[assignment]  # kept as an object
            error = raised.get(step)
            with suppress(BaseException):
                guard.__exit__(type(error) if error else None, error, None)
    document = {"service": "query", "pid": 7, "breakers": [{"name": "b", "recent": recorder.recent}]}
    return told(document)["query/7/b"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_services_own_breaker_keeps_the_laws(steps: list[str]) -> None:
    assert violations(driven(steps), RULE) == []


def test_a_service_that_tells_that_its_probe_is_answered_is_understood() -> None:
    steps = ["begin", "fail"] * 5 + ["wake", "begin", "respond", "ok", "begin", "ok"]
    kinds = [event.kind.value for event in driven(steps)]
    assert kinds[11:] == ["half_open", "probe", "answered", "closed", "success", "began", "success"]
    assert PROBE_ANSWERED in [event.cause for event in driven(steps)]


def test_breakers_that_keep_the_laws_pass() -> None:
    finding = breaker_conformance({"query/7/b": history(f"{TRIP} 30 H ?6 s6 C")}, rule=RULE)
    assert (finding.verdict, finding.evidence["laws"]) == (Verdict.PASSED, [])
    assert finding.evidence["events"]["open"] == 1


def test_one_breaker_that_does_not_fails_them_all() -> None:
    histories = {"query/7/a": history(TRIP), "query/7/b": history(f"{failing(1, 6)} O")}
    finding = breaker_conformance(histories, rule=RULE)
    assert (finding.verdict, finding.evidence["laws"]) == (Verdict.FAILED, ["opens-at-threshold"])
    assert "query/7/b breaks opens-at-threshold" in finding.said


@pytest.mark.parametrize("histories", [{}, {"b": []}, {"b": history("(1 s1")}])
def test_breakers_that_never_opened_show_nothing(histories: dict[str, list[BreakerEvent]]) -> None:
    assert breaker_conformance(histories, rule=RULE).verdict is Verdict.UNKNOWN
