import pytest

from chaos.checkers.quality import answer_quality, recall_at
from chaos.record import Outcome, Request, Verdict
from tests.unit.chaos.checkers.requests import request

EXPECTED = {"q1": ["a#0", "b#1", "c#2", "d#3", "e#4", "f#5"], "q2": ["x#0"]}


def answer(results: list[str], question: str = "q1", outcome: Outcome = Outcome.LIVE) -> Request:
    return request(outcome=outcome, about={"question": question, "results": results})


RIGHT, HALF = answer(["b#1", "a#0", "c#2", "d#3", "e#4"]), answer(["a#0", "b#1", "z#1", "z#2", "z#3"])


def test_recall_counts_the_first_five_in_any_order() -> None:
    assert recall_at(["e", "d", "c", "b", "a"], ["a", "b", "c", "d", "e", "f"]) == 1
    assert recall_at(["z", "z1", "z2", "z3", "z4", "a"], ["a"]) == 0
    assert recall_at([], ["a"]) == 0
    with pytest.raises(ValueError, match="nothing is expected"):
        recall_at(["a"], [])


def test_right_answers_pass_stale_ones_too() -> None:
    stale = answer(["x#0"], "q2", Outcome.DEGRADED)
    finding = answer_quality([RIGHT, stale], EXPECTED, recall=1.0, least=2)
    assert (finding.verdict, finding.evidence["recall"]) == (Verdict.PASSED, 1.0)


def test_answers_with_the_wrong_passages_fail() -> None:
    finding = answer_quality([RIGHT, HALF], EXPECTED, recall=0.9, least=2)
    assert (finding.verdict, finding.evidence["recall"]) == (Verdict.FAILED, pytest.approx(0.7))
    assert finding.evidence["worst"] == [{"number": 0, "question": "q1", "recall": 0.4}]


@pytest.mark.parametrize(
    "requests",
    [[], [answer(["x#0"], "unknown")], [answer([], outcome=Outcome.UNAVAILABLE)], [request(about={"question": "q1"})]],
)
def test_without_answers_to_known_questions_nothing_is_known(requests: list[Request]) -> None:
    assert answer_quality(requests, EXPECTED, recall=0.9, least=1).verdict is Verdict.UNKNOWN
