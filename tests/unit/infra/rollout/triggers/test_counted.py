"""False trips, routing, replicas and migration: each verdict at its bound, and what is said."""

import pytest

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import LIMITS
from infra.rollout.measurements import Measurements, Replicas, Routing, Schema, Trips
from infra.rollout.triggers import TRIGGERS

GOOD, BAD, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.INCONCLUSIVE


def judged(trigger: str, measured: Measurements) -> Judgement:
    return TRIGGERS[trigger](measured, LIMITS)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_nobody_measured_is_inconclusive_and_says_what_is_missing(trigger: str) -> None:
    told = judged(trigger, Measurements(60))
    assert (told.trigger, told.verdict, told.value) == (trigger, OPEN, None)
    assert told.said


@pytest.mark.parametrize(
    ("calls", "trips", "false", "verdict"),
    [
        (99, 0, 0, OPEN),
        (100, 0, 0, GOOD),
        (100, 1, 1, OPEN),
        (100, 2, 2, OPEN),
        (100, 3, 3, BAD),
        (0, 3, 3, BAD),
        (1000, 3, 0, OPEN),
        (1000, 48, 0, OPEN),
        (1000, 49, 0, GOOD),
        (100_000, 100, 10, OPEN),
        (100_000, 100, 19, OPEN),
        (100_000, 100, 20, BAD),
    ],
)
def test_trips_are_judged_by_the_share_of_the_false_ones(calls: int, trips: int, false: int, verdict: Verdict) -> None:
    assert judged("false-trips", Measurements(60, trips=Trips(calls, trips, false))).verdict is verdict


def test_trips_too_few_to_judge_say_so() -> None:
    assert (
        judged("false-trips", Measurements(60, trips=Trips(500, 2, 2))).said
        == "2 trips, 2 of them false, and it takes 3"
    )
    assert "3 of 4 trips were false" in judged("false-trips", Measurements(60, trips=Trips(500, 4, 3))).said


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Routing(0, 0, 0, 0, 0.1), OPEN),
        (Routing(29, 29, 0, 0, 0.1), OPEN),
        (Routing(30, 30, 0, 0, 0.1), BAD),
        (Routing(1000, 0, 0, 100, 0.1), GOOD),
        (Routing(1000, 10, 0, 99, 0.1), OPEN),  # a lost one in a hundred: neither
        (Routing(1000, 20, 0, 98, 0.1), OPEN),  # the bound
        (Routing(1000, 40, 0, 96, 0.1), BAD),
        (Routing(1000, 0, 40, 96, 0.1), BAD),
        (Routing(1000, 20, 20, 96, 0.1), BAD),
        (Routing(1000, 10, 0, 99, 0.1, 3), OPEN),
        (Routing(1000, 10, 0, 90, 0.1, 10), BAD),  # few of all, and many of those that met the candidate
        (Routing(300, 5, 0, 24, 0.1, 5), OPEN),  # of 29
        (Routing(1000, 0, 0, 0, 0.1), BAD),  # the candidate gets nothing
        (Routing(1000, 0, 0, 50, 0.1), OPEN),
        (Routing(1000, 0, 0, 150, 0.1), OPEN),
        (Routing(1000, 0, 0, 200, 0.1), BAD),
        (Routing(1000, 0, 0, 900, 0.1), BAD),
        (Routing(200, 0, 0, 20, 0.1), OPEN),
        (Routing(1000, 0, 0, 500, 0.5), GOOD),
        (Routing(1000, 0, 0, 400, 0.5), GOOD),
        (Routing(1000, 0, 0, 100, 0.5), BAD),
    ],
)
def test_routing_is_judged_by_lost_probes_and_by_the_candidate_s_share(seen: Routing, verdict: Verdict) -> None:
    assert judged("routing", Measurements(60, routing=seen)).verdict is verdict


@pytest.mark.parametrize(
    ("weight", "by_candidate", "verdict"), [(0, 0, GOOD), (0, 1, BAD), (1, 1000, GOOD), (1, 999, BAD)]
)
def test_with_all_traffic_at_one_release_any_answer_of_the_other_is_wrong(
    weight: float, by_candidate: int, verdict: Verdict
) -> None:
    assert judged("routing", Measurements(60, routing=Routing(1000, 0, 0, by_candidate, weight))).verdict is verdict


def test_routing_says_what_went_wrong() -> None:
    lost = judged("routing", Measurements(60, routing=Routing(1000, 70, 30, 90, 0.1)))
    assert lost.said == "of 1000 probes 70 were not routed, 30 met another release"
    assert (lost.value, lost.bound) == (0.1, LIMITS.misrouted_share)
    off = judged("routing", Measurements(60, routing=Routing(1000, 0, 0, 300, 0.1)))
    assert off.said == "the candidate answered 30.0% of 1000 probes, its weight is 10.0%"
    assert [off.value, off.bound] == pytest.approx([0.2, 0.05])
    few = judged("routing", Measurements(60, routing=Routing(266, 0, 0, 27, 0.1)))
    assert few.said.endswith("more would tell")


@pytest.mark.parametrize(("compared", "differing", "verdict"), [(0, 0, OPEN), (5, 0, GOOD), (5_000_000, 1, BAD)])
def test_no_point_may_differ_between_the_nodes(compared: int, differing: int, verdict: Verdict) -> None:
    assert judged("replicas", Measurements(60, replicas=Replicas(compared, differing))).verdict is verdict


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Schema("7", "7", "a", "a", "syntax error"), "the migration failed: syntax error"),
        (Schema("7", "6", "a", "a"), "the schema is at 6, the release needs 7"),
        (Schema("7", "", "a", "a"), "at no version"),
        (Schema("7", "7", "a", "b"), "are not those of the release"),
        (Schema("7", "6", "a", "b", "syntax error"), "syntax error; the schema is at 6, the release needs 7; tables"),
    ],
)
def test_version_and_catalog_have_to_be_the_release_s(schema: Schema, said: str) -> None:
    told = judged("migration", Measurements(60, schema=schema))
    assert told.verdict is BAD
    assert said in told.said


def test_a_migration_that_left_what_the_release_needs_is_healthy() -> None:
    assert judged("migration", Measurements(60, schema=Schema("7", "7", "a", "a"))).verdict is GOOD
