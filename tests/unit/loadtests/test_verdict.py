import pytest

from chaos.record import Finding, Outcome, Verdict
from infra.observability.slo import SLO
from loadtests import verdict
from loadtests.samples import Samples
from loadtests.shapes import SHAPES
from loadtests.summary import summarize
from tests.unit.loadtests.loads import Made, a_run, counted, used

GUARD = SHAPES["guard"]
STAGES = GUARD.built()


def judged(samples: Samples) -> dict[str, Finding]:
    (span,) = verdict.ended(STAGES, until=15)
    return {finding.check: finding for finding in verdict.judge(GUARD, STAGES, span, samples, SLO).findings}


def verdicts(*made: Made) -> dict[str, Verdict]:
    return {check: finding.verdict for check, finding in judged(counted(STAGES, *made)).items()}


def test_a_load_that_keeps_its_rate_and_is_answered_in_time_passes() -> None:
    found = verdicts(Made())
    assert set(found.values()) == {Verdict.PASSED}
    assert found.keys() == {
        "guard: rate",
        "guard: generator",
        "guard: starts",
        "guard: cache",
        "guard: errors",
        "guard: p95",
        "guard: p95 of search",
    }


def test_slow_answers_fail() -> None:
    found = verdicts(Made(seconds=0.051))
    assert found["guard: p95"] is found["guard: p95 of search"] is Verdict.FAILED


@pytest.mark.parametrize("made", [Made(achieved=0.94), Made(cpu=0.81)], ids=["rate", "cpu"])
@pytest.mark.parametrize("seconds", [0.01, 5.0])
def test_a_load_that_was_not_what_it_was_meant_to_be_is_inconclusive(made: Made, seconds: float) -> None:
    found = verdicts(Made(made.achieved, seconds, made.cpu))
    assert found["guard: p95"] is found["guard: p95 of search"] is Verdict.UNKNOWN
    assert Verdict.worst(found.values()) is Verdict.UNKNOWN


def test_a_generator_that_had_to_wait_for_a_core_proves_nothing() -> None:
    samples = counted(STAGES, Made(seconds=0.2))
    for second in samples.seconds.values():
        second.late = [0.03] * (second.started // 10)
    found = judged(samples)
    assert found["guard: starts"].verdict is found["guard: p95"].verdict is Verdict.UNKNOWN


def test_at_its_limits_a_load_still_counts() -> None:
    assert Verdict.worst(verdicts(Made(achieved=0.95, cpu=0.79)).values()) is Verdict.PASSED


def test_an_error_fails_also_a_load_that_is_inconclusive() -> None:
    samples = counted(STAGES, Made(achieved=0.5))
    samples.seconds[5].outcomes["search"][Outcome.UNAVAILABLE] += 1
    assert judged(samples)["guard: errors"].verdict is Verdict.FAILED


def test_what_the_limits_of_the_gateway_refuse_is_no_verdict_on_the_stack() -> None:
    samples = counted(STAGES, Made())
    samples.seconds[5].outcomes["search"][Outcome.REFUSED] = 7
    found = judged(samples)
    assert found["guard: refused"].verdict is Verdict.UNKNOWN
    assert found["guard: errors"].verdict is Verdict.PASSED


def test_a_load_that_missed_the_cache_does_not_pass_but_may_fail() -> None:
    assert verdicts(Made(outcome=Outcome.LIVE))["guard: cache"] is Verdict.UNKNOWN
    assert verdicts(Made(outcome=Outcome.LIVE, seconds=1))["guard: p95"] is Verdict.FAILED


def test_few_requests_have_no_95th_percentile() -> None:
    samples = counted(STAGES, Made())
    samples.seconds[5].waited["status"] = [9.0] * 19
    assert "guard: p95 of status" not in judged(samples)
    samples.seconds[5].waited["status"] = [9.0] * 20
    assert judged(samples)["guard: p95 of status"].verdict is Verdict.FAILED


def test_a_warm_up_is_not_judged() -> None:
    assert [stage.name for stage, _, _ in verdict.ended(STAGES, until=15)] == ["guard"]
    assert verdict.ended(STAGES, until=14.9) == []


def test_a_load_that_never_began_is_inconclusive() -> None:
    assert summarize(a_run("guard"), Samples(), []).verdict is Verdict.UNKNOWN


def test_a_long_load_also_watches_the_memory() -> None:
    stages = SHAPES["soak"].built(rate=1, seconds=600)
    samples = counted(stages, Made())
    steady = summarize(a_run("soak", stages), samples, used(600, grows=0.1))
    growing = summarize(a_run("soak", stages), samples, used(600, grows=0.9))
    assert {f.check: f.verdict for f in steady.findings}["memory of query"] is Verdict.PASSED
    assert {f.check: f.verdict for f in growing.findings}["memory of query"] is Verdict.FAILED
    assert {f.check: f.verdict for f in growing.findings}["memory of redis"] is Verdict.PASSED  # it may fill up
    assert "memory of generator" not in {f.check for f in growing.findings}
