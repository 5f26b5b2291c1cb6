import pytest

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import CRITICAL, LIMITS
from infra.rollout.measurements import Check, Measurements
from infra.rollout.triggers import TRIGGERS

GOOD, BAD, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.INCONCLUSIVE


def tries(function: str, word: str) -> list[Check]:
    """One for each letter: C and c are tries at the candidate, S and s at the stable release; small ones failed."""
    return [
        Check(
            function,
            "candidate" if letter in "Cc" else "stable",
            letter.isupper(),
            "status 500" if letter.islower() else "",
        )
        for letter in word
    ]


def judged(**words: str) -> Judgement:
    checks = [check for function in CRITICAL for check in tries(function, words.get(function, "CS"))]
    return TRIGGERS["critical-functions"](Measurements(60, checks=tuple(checks)), LIMITS)


@pytest.mark.parametrize(
    ("search", "verdict"),
    [
        ("C", GOOD),
        ("CS", GOOD),
        ("", OPEN),
        ("S", OPEN),
        ("cS", OPEN),  # once may be chance
        ("cScS", BAD),
        ("ScSc", BAD),
        ("CScScS", BAD),
        ("cc", OPEN),  # nobody knows whether it works at the stable release
        ("Scc", BAD),
        ("cSC", OPEN),  # once more
        ("cSCSCS", GOOD),
        ("cSCScSCScS", OPEN),  # now and then
        ("cscs", OPEN),  # what both depend on is away
        ("cscscS", OPEN),  # it has just come back
        ("scscSc", OPEN),
        ("cscscScS", OPEN),
        ("cscscScScS", BAD),  # and the candidate has not
        ("cscsCSCS", GOOD),
        ("CsCs", GOOD),  # broken at the stable release alone
    ],
)
def test_a_function_is_broken_when_it_fails_in_a_row_and_works_at_the_stable_release(
    search: str, verdict: Verdict
) -> None:
    assert judged(search=search).verdict is verdict


def test_all_of_them_count_and_those_that_are_wrong_are_named() -> None:
    assert judged().verdict is GOOD
    told = judged(ingest="cScS", list="")
    assert (told.verdict, told.value) == (BAD, 1)
    assert told.said == "ingest failed 2 times in a row at the candidate alone: status 500"
    assert judged(rotate="").said == "rotate was not tried at the candidate"
    assert judged(query="cs").said == "query failed at the stable release too, last at the candidate: status 500"
    assert "was not tried at the stable release" in judged(query="cc").said
    assert "did not work each time" in judged(query="cSC").said


def test_none_tried_is_no_verdict() -> None:
    assert TRIGGERS["critical-functions"](Measurements(60, checks=()), LIMITS).verdict is OPEN
