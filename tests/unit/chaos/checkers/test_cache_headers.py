import pytest

from chaos.checkers.cache_headers import cache_headers
from chaos.record import Outcome, Request, Verdict
from tests.unit.chaos.checkers.requests import request

RIGHT = [request(outcome=outcome) for outcome in Outcome if outcome is not Outcome.ERROR]


def test_answers_that_say_where_they_come_from_pass() -> None:
    finding = cache_headers(RIGHT)
    assert (finding.verdict, finding.evidence["from_cache"]) == (Verdict.PASSED, 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (request(outcome=Outcome.DEGRADED, headers={"x-from-cache": "true"}), "degraded with x-from-cache"),
        (request(outcome=Outcome.DEGRADED, headers={"x-service-degraded": "true"}), "without x-from-cache"),
        (request(outcome=Outcome.ERROR, status=200, headers={"x-service-degraded": "true"}), "without x-from-cache"),
        (request(outcome=Outcome.CACHED, headers={}), "cached with neither header"),
        (request(outcome=Outcome.LIVE, headers={"x-from-cache": "1"}), "x-from-cache is '1'"),
        (
            request(outcome=Outcome.UNAVAILABLE, headers={"retry-after": "2", "x-from-cache": "true"}),
            "unavailable with",
        ),
        (request(outcome=Outcome.ERROR, status=503), "503 with Retry-After None"),
        (request(outcome=Outcome.UNAVAILABLE, headers={"retry-after": "soon"}), "503 with Retry-After 'soon'"),
    ],
)
def test_an_answer_that_does_not_fails(wrong: Request, said: str) -> None:
    finding = cache_headers([*RIGHT, wrong])
    assert finding.verdict is Verdict.FAILED
    assert said in " ".join(each["said"] for each in finding.evidence["wrong"])


@pytest.mark.parametrize("requests", [[], [request()], [request(outcome=Outcome.LOST)]])
def test_without_an_answer_from_the_cache_nothing_is_known(requests: list[Request]) -> None:
    assert cache_headers(requests).verdict is Verdict.UNKNOWN
