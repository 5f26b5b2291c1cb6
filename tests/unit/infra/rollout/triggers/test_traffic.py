from dataclasses import replace
from math import inf

import pytest

from infra.observability.slo import SLO
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import LIMITS
from infra.rollout.measurements import Measurements, Traffic
from infra.rollout.triggers import TRIGGERS, judge

GOOD, BAD, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.INCONCLUSIVE


def answered(errors: int, of: int) -> Traffic:
    return Traffic(of, errors, {0.01: of, inf: 0})


def errors(candidate: Traffic | None, stable: Traffic | None = None) -> Judgement:
    return TRIGGERS["error-rate"](Measurements(60, stable, candidate), LIMITS)


def took(**counts: int) -> Traffic:
    """Answers by their bucket: `_50` are those in 25 to 50 milliseconds."""
    buckets = {edge: counts.get(f"_{round(edge * 1000)}", 0) for edge in (0.025, 0.05, 0.1, 0.25, 0.5, 60.0)}
    return Traffic(sum(counts.values()), 0, {**buckets, inf: counts.get("beyond", 0)})


def latency(candidate: Traffic | None, stable: Traffic | None, baseline: Traffic | None = None) -> Judgement:
    return TRIGGERS["latency"](Measurements(60, stable, candidate, baseline), LIMITS)


def test_the_design_s_bounds_stand_where_the_alerts_have_them() -> None:
    assert (LIMITS.error_share, LIMITS.false_share) == (
        SLO.alerts.error_share,
        SLO.alerts.breaker_false_positive_share,
    )


@pytest.mark.parametrize(
    ("bad", "of", "verdict"),
    [
        (0, 0, OPEN),
        (1, 1, OPEN),
        (29, 29, OPEN),  # all of fewer than the least
        (30, 30, BAD),
        (5, 30, OPEN),
        (6, 30, BAD),
        (0, 102, OPEN),
        (0, 103, GOOD),
        (50, 1000, OPEN),  # the bound
        (500_000, 10_000_000, OPEN),  # and no number tells
        (35, 1000, OPEN),
        (33, 1000, GOOD),
        (71, 1000, OPEN),
        (72, 1000, BAD),
    ],
)
def test_errors_are_judged_when_they_are_surely_over_or_surely_below_the_bound(
    bad: int, of: int, verdict: Verdict
) -> None:
    assert errors(answered(bad, of)).verdict is verdict


def test_a_judgement_has_the_share_its_bound_and_what_was_counted() -> None:
    told = errors(answered(100, 1000))
    assert (told.value, told.bound, told.said) == (0.1, 0.05, "100 of 1000 answers were errors")


def test_what_is_missing_is_said() -> None:
    assert errors(None).said == "the metrics of the candidate were not read"
    assert errors(answered(0, 12)).said == "12 requests to the candidate, and it takes 30"
    assert errors(answered(0, 60)).said.endswith("about 43 more would tell")
    assert errors(answered(0, 103)).verdict is GOOD
    assert errors(answered(60, 1000)).said.endswith("about 3537 more would tell")
    assert errors(answered(50, 1000)).said.endswith("too near the bound for any number to tell")


@pytest.mark.parametrize(
    ("stable", "verdict"),
    [
        (None, BAD),
        (answered(0, 0), BAD),  # it gets none any more: nobody excuses the candidate
        (answered(29, 29), BAD),
        (answered(15, 30), OPEN),
        (answered(0, 1000), BAD),
        (answered(50, 1000), BAD),  # far from as bad
        (answered(250, 1000), OPEN),
        (answered(300, 1000), OPEN),
        (answered(900, 1000), OPEN),
    ],
)
def test_what_the_stable_release_lacks_as_well_is_not_undone(stable: Traffic | None, verdict: Verdict) -> None:
    assert errors(answered(300, 1000), stable).verdict is verdict


def test_an_excuse_says_that_undoing_would_not_help() -> None:
    assert (
        "290 of 1000 of the stable release: undoing would not help"
        in errors(answered(300, 1000), answered(290, 1000)).said
    )


def test_a_stable_release_that_fails_makes_no_healthy_candidate_worse() -> None:
    assert errors(answered(0, 1000), answered(500, 1000)).verdict is GOOD


def both(traffic: Traffic, **services: Traffic) -> Traffic:
    return replace(traffic, services=services)


def test_one_service_that_is_bad_is_enough_and_is_named() -> None:
    candidate = both(answered(100, 10_000), query=answered(0, 9_000), rag=answered(100, 1_000))
    stable = both(answered(0, 10_000), query=answered(0, 9_000), rag=answered(0, 1_000))
    told = errors(candidate, stable)
    assert (told.verdict, told.said) == (BAD, "rag: 100 of 1000 answers were errors")


def test_a_service_that_is_bad_at_both_releases_is_excused_by_itself() -> None:
    candidate = both(answered(100, 10_000), query=answered(0, 9_000), rag=answered(100, 1_000))
    stable = both(answered(100, 10_000), query=answered(0, 9_000), rag=answered(100, 1_000))
    assert errors(candidate, stable).verdict is GOOD


def test_a_service_that_is_hardly_asked_holds_up_nothing() -> None:
    assert errors(both(answered(0, 1_000), query=answered(0, 998), rag=answered(1, 2))).verdict is GOOD


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (took(_50=1000), GOOD),
        (took(_50=940, _100=60), GOOD),
        (took(_50=940, _100=50, _250=10), GOOD),
        (took(_50=800, _100=150, _250=50), OPEN),  # 5 % are slower: just as many as may be
        (took(_50=900, _500=100), BAD),
        (took(_500=29), OPEN),
        (took(_500=30), BAD),
    ],
)
def test_latency_is_judged_by_how_many_are_slower_than_twice_the_stable_p95(
    candidate: Traffic, verdict: Verdict
) -> None:
    assert latency(candidate, took(_50=940, _100=60)).verdict is verdict


def test_latency_is_told_as_a_multiple_of_the_stable_release_s() -> None:
    told = latency(took(_25=0, _500=950, beyond=50), took(_100=950, _250=50))
    assert [told.value, told.bound] == pytest.approx([5, 2])
    assert told.said.startswith("p95 500 ms, of the stable release 100 ms")


def test_what_may_be_either_within_a_bucket_is_no_verdict() -> None:
    """Twice the stable p95 lies in the bucket in which the candidate's slow answers are: before them, or behind."""
    told = latency(took(_50=8_000, _250=2_000), took(_50=9_000, _100=1_000))
    assert told.verdict is OPEN
    assert "which is not sure of 10000 and 10000 answers" in told.said


@pytest.mark.parametrize("milliseconds", [0.1, 1, 2, 4])
def test_answers_within_ten_milliseconds_are_never_slow(milliseconds: float) -> None:
    quick, slower = ({edge / 1000: 1000, inf: 0} for edge in (milliseconds, milliseconds * 2.5))
    assert latency(Traffic(1000, 0, slower), Traffic(1000, 0, quick)).verdict is GOOD


SLOW, FAST, NONE = took(_500=1000), took(_50=1000), took()


def test_without_traffic_the_stable_release_s_last_window_is_the_baseline() -> None:
    assert latency(SLOW, NONE, FAST).verdict is BAD
    assert latency(SLOW, took(_50=3), FAST).verdict is BAD  # some that were on their way
    told = latency(SLOW, took(_50=3))
    assert (told.verdict, told.said) == (OPEN, "3 requests to the stable release, and it takes 100")


def test_the_same_window_counts_where_the_stable_release_has_traffic_in_it() -> None:
    assert latency(SLOW, SLOW, FAST).verdict is not BAD


def test_nothing_is_sure_of_answers_in_the_bucket_without_an_end() -> None:
    assert latency(took(beyond=1000), took(_60000=1000)).verdict is OPEN
    assert latency(took(beyond=1000), took(_50=900, beyond=100)).verdict is OPEN
    assert latency(took(_50=1000), took(_50=900, beyond=100)).verdict is GOOD
    told = latency(took(beyond=1000), FAST)
    assert (told.verdict, told.said) == (BAD, "p95 60 s, of the stable release 48.8 ms")


@pytest.mark.parametrize("requests", [1, 30, 99, 100, 1000])
@pytest.mark.parametrize("shape", [{"_25": 90, "_100": 10}, {"_50": 50, "_250": 50}, {"_25": 95, "beyond": 5}])
def test_a_release_is_never_slower_than_itself(requests: int, shape: dict[str, int]) -> None:
    traffic = took(**{bucket: count * requests for bucket, count in shape.items()})
    assert latency(traffic, traffic).verdict is not BAD


def test_latency_without_data_says_whose() -> None:
    assert latency(None, FAST).said == "the metrics of the candidate were not read"
    assert latency(took(_50=12), FAST).said == "12 requests to the candidate, and it takes 30"
    assert latency(FAST, None).said == "0 requests to the stable release, and it takes 100"


@pytest.mark.parametrize(
    ("idle", "verdict", "said"),
    [
        (None, OPEN, "0 requests to the stable release"),
        (took(_50=299), OPEN, "299 requests to the stable release, and it takes 300"),
        (took(_50=300), GOOD, "p95 48.8 ms"),
    ],
)
def test_an_idle_candidate_waits_until_there_is_something_to_compare_its_latency_with(
    idle: Traffic | None, verdict: Verdict, said: str
) -> None:
    (told,) = judge(("baseline",), Measurements(60, idle=idle))
    assert (told.trigger, told.verdict) == ("baseline", verdict)
    assert said in told.said
