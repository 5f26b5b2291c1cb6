from dataclasses import replace

import pytest

from chaos.checkers.outage import Outage, outage_contract
from chaos.contract.table import load
from chaos.record import Finding, Outcome, Request, Verdict, Window
from tests.unit.chaos.checkers.requests import request, stretch

CONTRACT = load()
WINDOW = Window("connections refused", "down", "query->ollama", 10.0, 20.0)
OLLAMA = Outage("ollama", "down", WINDOW)
AFTERMATH = 20 + CONTRACT.aftermath_s


def judged(requests: list[Request], *outages: Outage) -> Finding:
    return outage_contract(requests, outages or [OLLAMA], CONTRACT)


def undeclared(requests: list[Request], *outages: Outage) -> object:
    inside = request(15, Outcome.UNAVAILABLE)  # so that there is evidence
    return judged([inside, *requests], *outages).evidence["undeclared"]


def test_answers_that_the_contract_names_pass() -> None:
    during = [request(11, Outcome.CACHED), request(12, Outcome.DEGRADED), request(13, Outcome.UNAVAILABLE)]
    finding = judged([*stretch(0, 9), *during, *stretch(AFTERMATH + 1, AFTERMATH + 3)])
    assert (finding.verdict, finding.evidence["undeclared"]) == (Verdict.PASSED, 0)


@pytest.mark.parametrize("outcome", [Outcome.LIVE, Outcome.ERROR, Outcome.LOST, Outcome.REFUSED])
def test_an_answer_that_it_does_not_name_fails(outcome: Outcome) -> None:
    finding = judged([request(11, Outcome.UNAVAILABLE), request(12, outcome, number=7)])
    assert finding.verdict is Verdict.FAILED
    (told,) = finding.evidence["first"]
    assert (told["number"], told["promised"]) == (7, "fresh or stale or unavailable within 3 s")


def test_an_answer_that_comes_too_late_fails_though_it_is_the_right_one() -> None:
    assert undeclared([request(11, Outcome.UNAVAILABLE, seconds=2.9)]) == 0
    assert undeclared([request(11, Outcome.UNAVAILABLE, seconds=3.1)]) == 1


def test_a_stale_answer_that_does_not_say_so_fails() -> None:
    assert undeclared([request(11, Outcome.DEGRADED, headers={"x-from-cache": "true"})]) == 1
    assert undeclared([request(11, Outcome.UNAVAILABLE, headers={})]) == 1


def test_an_endpoint_that_does_not_need_the_dependency_answers_as_ever() -> None:
    assert undeclared([request(11, operation="documents")]) == 0
    assert undeclared([request(11, Outcome.UNAVAILABLE, operation="documents")]) == 1


def test_around_the_fault_both_are_allowed_and_before_it_only_what_is_usual() -> None:
    assert undeclared([request(9.5, Outcome.UNAVAILABLE, seconds=1), request(19.5, seconds=1)]) == 0
    assert undeclared([request(9.5, Outcome.UNAVAILABLE)]) == 0  # felt before it was read back
    assert undeclared([request(5, Outcome.UNAVAILABLE)]) == 1


def test_after_the_fault_what_it_allowed_is_allowed_for_a_while() -> None:
    assert undeclared([request(AFTERMATH - 1, Outcome.UNAVAILABLE), request(21)]) == 0
    assert undeclared([request(AFTERMATH + 1, Outcome.UNAVAILABLE)]) == 1


def test_of_several_outages_each_allows_what_it_allows() -> None:
    redis = Outage("redis", "down", WINDOW)
    assert undeclared([request(11), request(11, Outcome.UNAVAILABLE)], OLLAMA, redis) == 0
    assert undeclared([request(11, Outcome.LOST)], OLLAMA, redis) == 1


def test_a_fault_without_an_end_lasts() -> None:
    open_ended = replace(OLLAMA, window=replace(WINDOW, ended=None))
    assert undeclared([request(500)], open_ended) == 1
    assert undeclared([request(500, Outcome.UNAVAILABLE)], open_ended) == 0


def test_operations_that_the_contract_does_not_speak_of_are_left_out() -> None:
    assert undeclared([request(11, Outcome.ERROR, operation="write")]) == 0


@pytest.mark.parametrize(
    "requests", [[], stretch(0, 9), stretch(30, 40), [request(11, Outcome.ERROR, operation="write")]]
)
def test_without_requests_during_the_outage_nothing_is_known(requests: list[Request]) -> None:
    assert judged(requests).verdict is Verdict.UNKNOWN


def test_an_outage_that_the_contract_does_not_know_is_unknown() -> None:
    finding = judged(stretch(11, 12), Outage("mars", "down", WINDOW))
    assert (finding.verdict, "ContractError" in finding.said) == (Verdict.UNKNOWN, True)
