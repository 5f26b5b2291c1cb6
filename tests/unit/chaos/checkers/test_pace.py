from dataclasses import replace

from chaos.checkers.pace import load_pace
from chaos.record import Verdict
from tests.unit.chaos.checkers.requests import stretch

EVEN = stretch(0, 10)


def test_a_load_that_kept_its_pace_passes() -> None:
    assert load_pace(EVEN).verdict is Verdict.PASSED


def test_a_load_that_fell_behind_proves_nothing() -> None:
    late = [replace(request, started=request.started + 0.5) for request in EVEN[:11]]
    finding = load_pace([*late, *EVEN[11:]])
    assert (finding.verdict, "94.5% of 200 starts in time" in finding.said) == (Verdict.UNKNOWN, True)


def test_a_load_that_took_longer_than_intended_proves_nothing() -> None:
    slow = [replace(request, started=request.intended * 1.1) for request in EVEN]
    assert load_pace(slow).verdict is Verdict.UNKNOWN


def test_no_load_is_no_evidence() -> None:
    assert load_pace([]).verdict is Verdict.UNKNOWN
