import pytest

from chaos.record import Outcome
from loadtests.measure import measure
from loadtests.samples import Samples
from loadtests.shapes import Stage
from tests.unit.loadtests.loads import Made, counted

STAGES = [Stage("a", 10, 100, 100), Stage("b", 10, 200, 200)]


def test_a_stage_is_measured_by_its_own_seconds() -> None:
    samples = counted(STAGES, *[Made(seconds=0.01)] * 10, Made(seconds=0.03, achieved=0.5))
    first, second = measure(samples, STAGES, 0, 10), measure(samples, STAGES, 10, 20)
    assert (first.intended, first.achieved, first.achieved_share) == (100, 100, 1)
    assert (second.intended, second.achieved, second.achieved_share) == (200, 100, 0.5)
    assert (first.whole.quantiles["p95"], second.whole.quantiles["p95"]) == (0.01, 0.03)


def test_the_busiest_generator_counts() -> None:
    samples = counted(STAGES, Made(cpu=0.2))
    samples.cpu["2"] = [(at, cpu * 4) for at, cpu in samples.cpu["1"]]
    assert measure(samples, STAGES, 0, 20).generator_cpu == pytest.approx(0.8)


def test_errors_are_what_was_not_answered_well() -> None:
    samples = counted(STAGES, Made())
    samples.seconds[3].outcomes["search"].update({Outcome.ERROR: 1, Outcome.LOST: 2, Outcome.DEGRADED: 5})
    assert measure(samples, STAGES, 0, 10).whole.wrong == 3


def test_seconds_that_only_partly_belong_are_left_out() -> None:
    stages = [Stage("a", 2.5, 10, 10), Stage("b", 3, 10, 10)]
    now = measure(counted(stages, Made()), stages, 2.5, 5.5)
    assert (now.begin, now.end, now.intended) == (3, 5, 10)


def test_a_stretch_of_less_than_a_second_is_measured_by_the_seconds_around_it() -> None:
    now = measure(counted(STAGES, Made()), STAGES, 3.2, 3.8)
    assert (now.begin, now.end) == (3, 4)


def test_where_nothing_was_counted_nothing_is_measured() -> None:
    now = measure(Samples(), STAGES, 0, 10)
    assert (now.achieved, now.whole.requests, now.whole.error_share, now.generator_cpu) == (0, 0, 0, 0)


def test_the_lateness_is_of_all_starts() -> None:
    samples = counted(STAGES, Made())
    samples.seconds[0].late = [0.005] * 60  # of a thousand
    assert measure(samples, STAGES, 0, 10).late_p95_s == 0.005
    samples.seconds[0].late = [0.005] * 40
    assert measure(samples, STAGES, 0, 10).late_p95_s == 0
