from itertools import islice, pairwise

import pytest

from loadtests.shapes import SHAPES, Stage, due, length, starts

EVERY = pytest.mark.parametrize("name", SHAPES)


def test_a_constant_rate_makes_evenly_spaced_starts() -> None:
    assert list(starts([Stage("a", 2, 4, 4)])) == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]


def test_a_rising_rate_makes_starts_that_come_closer_and_closer() -> None:
    made = list(starts([Stage("up", 10, 0.1, 10)]))
    gaps = [later - earlier for earlier, later in pairwise(made)]
    assert len(made) == 51  # half of the top rate on average
    assert gaps == sorted(gaps, reverse=True)
    assert made[-1] < 10


def test_stages_follow_one_another_without_a_gap() -> None:
    made = list(starts([Stage("slow", 1, 2, 2), Stage("fast", 1, 4, 4)]))
    assert made == [0, 0.5, 1, 1.25, 1.5, 1.75]


def test_half_a_start_that_a_stage_leaves_over_is_made_in_the_next() -> None:
    made = list(starts([Stage("a", 1.25, 2, 2), Stage("b", 1.25, 2, 2)]))
    assert made == pytest.approx([0, 0.5, 1, 1.5, 2])


@EVERY
def test_the_starts_of_a_shape_are_as_many_as_its_rates_make(name: str) -> None:
    stages = SHAPES[name].built(rate=100, seconds=30)
    made = list(starts(stages))
    assert len(made) == pytest.approx(due(stages, 0, length(stages)), abs=1)
    assert made == sorted(made)
    for begin in range(0, 30, 5):
        here = sum(begin <= at < begin + 5 for at in made)
        assert here == pytest.approx(due(stages, begin, begin + 5), abs=2)


@EVERY
def test_a_shape_has_something_to_judge(name: str) -> None:
    assert any(stage.judged for stage in SHAPES[name].built())


def test_the_sustained_load_is_the_promise() -> None:
    judged = [stage for stage in SHAPES["sustained"].built() if stage.judged]
    assert [(stage.seconds, stage.begin, stage.end) for stage in judged] == [(300, 1000, 1000)]


def test_the_guard_takes_fifteen_seconds() -> None:
    assert length(SHAPES["guard"].built()) == 15


def test_the_steps_to_the_knee_rise_past_what_two_cores_can_do() -> None:
    steps = [stage.end for stage in SHAPES["knee"].built() if stage.judged]
    assert steps[:3] == [200, 400, 600]
    assert steps[-1] == 5000


def test_a_shape_is_stretched_and_scaled() -> None:
    stages = SHAPES["spike"].built(rate=500, seconds=43.5)
    assert length(stages) == pytest.approx(43.5)
    assert max(stage.end for stage in stages) == 500


@pytest.mark.parametrize(
    ("rate", "seconds"), [(0, None), (-1, None), (float("nan"), None), (None, 0), (None, float("inf"))]
)
def test_no_shape_has_a_rate_or_a_time_of_nothing(rate: float | None, seconds: float | None) -> None:
    with pytest.raises(ValueError, match="is none"):
        SHAPES["smoke"].built(rate, seconds)


def test_several_generators_share_the_starts() -> None:
    stages = SHAPES["guard"].built()
    whole = list(starts(stages))
    shares = [list(islice(starts(stages), index, None, 3)) for index in range(3)]
    assert sorted(at for share in shares for at in share) == whole
