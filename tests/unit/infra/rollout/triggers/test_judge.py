from infra.rollout.judgement import Verdict
from infra.rollout.measurements import Measurements, Replicas, Traffic
from infra.rollout.triggers import judge

BOTH = ("error-rate", "replicas")


def window(errors: int, of: int, seconds: float) -> Measurements:
    return Measurements(seconds, candidate=Traffic(of, errors, {}), replicas=Replicas(1, 0))


def test_each_trigger_that_is_asked_for_judges_the_window() -> None:
    told = judge(BOTH, window(0, 1000, 60))
    assert [(one.trigger, one.verdict) for one in told] == [(name, Verdict.HEALTHY) for name in BOTH]


def test_what_is_bad_recently_is_not_diluted_by_what_was_before() -> None:
    whole, recent = window(100, 100_000, 3600), window(100, 1000, 10)
    assert judge(BOTH, whole)[0].verdict is Verdict.HEALTHY
    told = judge(BOTH, whole, recent)[0]
    assert (told.verdict, told.value) == (Verdict.UNHEALTHY, 0.1)
    assert told.said == "in the last 10 seconds: 100 of 1000 answers were errors"


def test_what_is_good_or_unknown_recently_changes_nothing() -> None:
    for recent in (window(0, 1000, 10), window(0, 0, 10), Measurements(10)):
        assert judge(BOTH, window(60, 1000, 60), recent) == judge(BOTH, window(60, 1000, 60))
        assert judge(BOTH, window(200, 1000, 60), recent) == judge(BOTH, window(200, 1000, 60))
