import pytest

from chaos.checkers.recovery import recovery
from chaos.checkers.steady import Steady, measure, steady_state
from chaos.record import Outcome, Request, Verdict
from tests.unit.chaos.checkers.requests import request, stretch

STEADY = Steady(good_share=0.95, p95_s=0.5, least=20)
CALM = stretch(0, 10)
FAULT = stretch(10, 20, Outcome.UNAVAILABLE)


def judged(requests: list[Request]) -> Verdict:
    return steady_state(requests, before=10, after=20, steady=STEADY).verdict


def test_steady_before_and_after_passes_whatever_the_fault_did() -> None:
    finding = steady_state([*CALM, *FAULT, *stretch(20, 30)], before=10, after=20, steady=STEADY)
    assert finding.verdict is Verdict.PASSED
    assert finding.evidence["after"] == {"requests": 200, "good_share": 1.0, "p95_s": pytest.approx(0.01)}


@pytest.mark.parametrize("outcome", [Outcome.DEGRADED, Outcome.UNAVAILABLE, Outcome.ERROR, Outcome.LOST])
def test_answers_that_are_not_good_afterwards_fail(outcome: Outcome) -> None:
    assert judged([*CALM, *stretch(20, 30), *stretch(25, 27, outcome)]) is Verdict.FAILED


def test_slow_answers_afterwards_fail() -> None:
    assert judged([*CALM, *stretch(20, 29), *stretch(29, 30, seconds=0.6)]) is Verdict.FAILED


def test_one_bad_answer_of_many_is_allowed_for() -> None:
    assert judged([*CALM, *stretch(20, 30), request(25, Outcome.LOST)]) is Verdict.PASSED


def test_without_a_steady_state_to_begin_with_nothing_is_known() -> None:
    assert judged([*stretch(0, 10, Outcome.ERROR), *stretch(20, 30)]) is Verdict.UNKNOWN


@pytest.mark.parametrize("requests", [[], CALM, stretch(20, 30), [*CALM, *stretch(20, 20.9)]])
def test_too_few_requests_on_either_side_are_no_evidence(requests: list[Request]) -> None:
    assert judged(requests) is Verdict.UNKNOWN


def test_of_no_requests_nothing_can_be_measured_however_few_are_wanted() -> None:
    assert steady_state([], before=1, after=2, steady=Steady(least=0)).verdict is Verdict.UNKNOWN
    assert measure([request()], 0).requests == 1


def recovered(requests: list[Request], within_s: float = 5) -> tuple[Verdict, object]:
    finding = recovery(requests, healed=20, within_s=within_s, steady=STEADY)
    return finding.verdict, finding.evidence.get("seconds")


def test_the_time_to_recover_ends_with_the_last_bad_window() -> None:
    sick = stretch(20, 23, Outcome.UNAVAILABLE)
    assert recovered([*FAULT, *sick, *stretch(23, 30)]) == (Verdict.PASSED, 3.0)
    assert recovered([*FAULT, *sick, *stretch(23, 30)], within_s=2) == (Verdict.FAILED, 3.0)


def test_what_never_breaks_recovers_at_once() -> None:
    assert recovered(stretch(20, 30)) == (Verdict.PASSED, 0.0)


def test_a_relapse_starts_the_count_again() -> None:
    relapse = [*stretch(20, 24), *stretch(24, 25, Outcome.ERROR), *stretch(25, 30)]
    assert recovered(relapse) == (Verdict.PASSED, 5.0)


def test_what_stays_broken_fails_when_it_was_watched_for_long_enough() -> None:
    assert recovered(stretch(20, 30, Outcome.ERROR)) == (Verdict.FAILED, None)
    assert recovered(stretch(20, 24, Outcome.ERROR)) == (Verdict.UNKNOWN, None)


@pytest.mark.parametrize("requests", [[], FAULT, stretch(20, 21), stretch(20, 30, rate=2)])
def test_too_few_requests_after_healing_are_no_evidence(requests: list[Request]) -> None:
    assert recovered(requests)[0] is Verdict.UNKNOWN
