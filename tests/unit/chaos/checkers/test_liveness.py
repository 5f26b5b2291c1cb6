import pytest

from chaos.checkers.liveness import liveness
from chaos.record import Finding, Outcome, Request, Verdict
from tests.unit.chaos.checkers.requests import request, stretch

BUSY = [request(0.0, seconds=60) for _ in range(50)]
HEALTHY = stretch(10, 15, operation="health")


def judged(requests: list[Request], *, share: float = 0.98) -> Finding:
    return liveness(requests, in_flight=50, share=share)


def test_health_that_answers_at_once_while_the_service_is_saturated_passes() -> None:
    assert judged([*BUSY, *HEALTHY]).verdict is Verdict.PASSED


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.LOST, Outcome.ERROR])
def test_health_that_fails_once_fails(outcome: Outcome) -> None:
    assert judged([*BUSY, *HEALTHY, request(12, outcome, operation="health")]).verdict is Verdict.FAILED


def test_health_that_is_slow_too_often_fails() -> None:
    slow = request(12, operation="health", seconds=0.06)
    assert judged([*BUSY, *HEALTHY, slow]).verdict is Verdict.PASSED
    assert judged([*BUSY, *HEALTHY, slow, slow, slow]).verdict is Verdict.FAILED
    assert judged([*BUSY, *HEALTHY, slow], share=1.0).verdict is Verdict.FAILED


@pytest.mark.parametrize("requests", [[], HEALTHY, [*BUSY[1:], *HEALTHY], [*BUSY, *HEALTHY[:10]]])
def test_health_of_a_service_that_is_not_saturated_tells_nothing(requests: list[Request]) -> None:
    assert judged(requests).verdict is Verdict.UNKNOWN


def test_looks_that_the_load_generator_itself_held_up_tell_nothing() -> None:
    slow = [request(at, operation="health", seconds=0.06) for at in (11, 12, 13)]
    stalled = [request(r.started + 0.005, started=r.ended) for r in slow]  # due meanwhile, and begun only at the end
    assert judged([*BUSY, *HEALTHY, *slow, *stalled]).verdict is Verdict.UNKNOWN
    far_too_late = [request(at, operation="health", seconds=0.2) for at in (11, 12, 13)]
    assert judged([*BUSY, *HEALTHY, *far_too_late, *stalled]).verdict is Verdict.FAILED
