import pytest

from chaos.checkers.safely import NoEvidenceError, enough, safely
from chaos.record import Finding, Verdict


@safely("arithmetic")
def divides(one: int, other: int) -> Finding:
    return Finding("arithmetic", Verdict.PASSED, f"{one / other:g}")


def test_a_checker_that_works_says_what_it_says() -> None:
    assert divides(6, other=3) == Finding("arithmetic", Verdict.PASSED, "2")


def test_a_checker_that_breaks_knows_nothing_and_says_why() -> None:
    assert divides(6, 0) == Finding("arithmetic", Verdict.UNKNOWN, "ZeroDivisionError: division by zero")


def test_a_checker_without_evidence_knows_nothing() -> None:
    @safely("empty")
    def empty() -> Finding:
        raise NoEvidenceError("nobody asked")

    assert empty() == Finding("empty", Verdict.UNKNOWN, "nobody asked")


def test_being_stopped_is_no_verdict() -> None:
    @safely("stopped")
    def stopped() -> Finding:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()


def test_fewer_than_needed_is_too_few() -> None:
    enough(3, 3, "answers")
    with pytest.raises(NoEvidenceError, match="2 answers, and 3 are needed"):
        enough(2, 3, "answers")
