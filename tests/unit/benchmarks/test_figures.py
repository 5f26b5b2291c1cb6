import pytest

from benchmarks.figures import Figure, Verdict, at_least, at_most, estimate, ratio


def test_an_estimate_is_the_median_and_an_interval_around_it() -> None:
    told = estimate([3.0, 1.0, 2.0, 2.5, 1.5])
    assert told.median == 2.0
    assert 1.0 <= told.low < 2.0 < told.high <= 3.0


def test_the_same_values_give_the_same_interval() -> None:
    values = [0.1 * number % 0.7 for number in range(30)]
    assert estimate(values) == estimate(values)


def test_more_rounds_of_the_same_scatter_tell_more() -> None:
    few, many = estimate([1.0, 2.0, 3.0] * 2), estimate([1.0, 2.0, 3.0] * 40)
    assert many.high - many.low < few.high - few.low


def test_a_single_value_has_no_spread() -> None:
    told = estimate([4.0])
    assert (told.low, told.median, told.high) == (4.0, 4.0, 4.0)


def test_without_a_value_there_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        estimate([])


@pytest.mark.parametrize(
    ("values", "bound", "verdict"),
    [
        ([0.81, 0.82, 0.83], at_least(0.8), Verdict.HOLDS),
        ([0.8, 0.8, 0.8], at_least(0.8), Verdict.HOLDS),
        ([0.71, 0.72, 0.73], at_least(0.8), Verdict.MISSED),
        ([0.7, 0.8, 0.9], at_least(0.8), Verdict.NOISE),
        ([1.1, 1.12, 1.13], at_most(1.15), Verdict.HOLDS),
        ([0.0], at_most(0), Verdict.HOLDS),
        ([1.2, 1.21, 1.22], at_most(1.15), Verdict.MISSED),
        ([1.1, 1.15, 1.2], at_most(1.15), Verdict.NOISE),
    ],
)
def test_a_bound_holds_or_is_missed_where_all_of_the_interval_does(
    values: list[float], bound: object, verdict: Verdict
) -> None:
    figure = Figure("name", "x", tuple(values), "higher", bound)  # type: ignore[arg-type]  # pytest's parameters have no types
    assert figure.verdict is verdict


def test_without_a_bound_there_is_no_verdict() -> None:
    assert Figure("name", "s", (1.0,), "lower").verdict is None


def test_a_ratio_is_taken_in_each_round_so_that_what_slows_down_both_cancels_out() -> None:
    mood = [1.0, 10.0, 3.0]
    of, to = [2 * each for each in mood], [4 * each for each in mood]
    figure = ratio("a / b", of, to, better="higher")
    assert figure.values == (0.5, 0.5, 0.5)
    assert figure.unit == "x"


def test_a_ratio_of_different_numbers_of_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio("a / b", [1.0], [1.0, 2.0], better="higher")


def test_a_bound_reads_as_people_write_it() -> None:
    assert (str(at_least(0.8)), str(at_most(60))) == ("≥ 0.8", "≤ 60")
