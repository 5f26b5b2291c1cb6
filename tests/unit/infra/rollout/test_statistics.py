from math import inf, isclose

import pytest

from infra.rollout.statistics import above, enough, lower, quantile, upper

STEEP = {0.1: 90, 0.2: 9, 0.4: 1, inf: 0}  # thins out by ten from bucket to bucket


@pytest.mark.parametrize(("count", "of"), [(0, 5), (1, 1), (4, 50), (499, 500)])
def test_the_interval_is_wilsons(count: int, of: int) -> None:
    """At either end the share that was counted is z standard errors of that end away."""
    for end, z in ((lower(count, of, 0.99), 2.3263), (upper(count, of, 0.99), -2.3263)):
        assert isclose(count / of - end, z * (end * (1 - end) / of) ** 0.5, abs_tol=1e-4)


@pytest.mark.parametrize(("count", "of"), [(0, 0), (0, 1), (1, 1), (0, 10_000), (10_000, 10_000), (3, 7)])
def test_the_bounds_hold_the_share_between_them_and_are_shares(count: int, of: int) -> None:
    share = count / of if of else 0.5
    assert 0 <= lower(count, of, 0.99) <= share + 1e-12
    assert share - 1e-12 <= upper(count, of, 0.99) <= 1


def test_of_none_nothing_is_known() -> None:
    assert (lower(0, 0, 0.99), upper(0, 0, 0.99)) == (0, 1)


@pytest.mark.parametrize(("share", "confidence"), [(0.0, 0.99), (0.02, 0.99), (0.1, 0.999), (1.0, 0.999)])
def test_enough_is_the_number_at_which_the_interval_leaves_the_bound(share: float, confidence: float) -> None:
    least = enough(share, 0.05, confidence)
    for of, clear in ((least * 0.99, False), (least * 1.01, True)):
        told = upper(share * of, of, confidence) < 0.05 if share < 0.05 else lower(share * of, of, confidence) > 0.05
        assert told is clear


def test_no_number_is_enough_for_a_share_that_is_the_bound() -> None:
    assert enough(0.05, 0.05, 0.99) == inf


def test_a_quantile_at_the_edge_of_a_bucket_is_that_edge() -> None:
    assert quantile(STEEP, 0.9) == pytest.approx((0.1, 0.1))
    assert quantile(STEEP, 0.99) == pytest.approx((0.2, 0.2))


def test_a_quantile_within_a_bucket_is_at_least_what_a_thinning_and_at_most_what_an_even_spread_gives() -> None:
    least, most = quantile(STEEP, 0.95)
    assert most == pytest.approx(0.1 + 0.1 * 5 / 9)
    assert 0.1 < least < most
    # Ten of a hundred lie above 0.1 and one above 0.2: half of the way thins them to the square root of ten.
    assert quantile(STEEP, 1 - 0.1 / 10**0.5)[0] == pytest.approx(0.15)


def test_a_quantile_in_the_bucket_without_an_end_may_be_anything_from_its_start_on() -> None:
    assert quantile({1.0: 10, inf: 10}, 0.95) == (1, inf)


def test_an_empty_histogram_has_no_quantile() -> None:
    for nothing in ({}, {1.0: 0, inf: 0}):
        with pytest.raises(ValueError, match="empty"):
            quantile(nothing, 0.5)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [(0.0, 100, 100), (0.1, 10, 10), (0.15, 10**0.5, 5.5), (0.2, 1, 1), (0.4, 0, 0), (5.0, 0, 0)],
)
def test_how_many_lie_above_a_value(value: float, least: float, most: float) -> None:
    assert above(STEEP, value) == pytest.approx((least, most))


def test_in_the_bucket_without_an_end_all_or_none_lie_above() -> None:
    assert above({1.0: 10, inf: 10}, 5.0) == (0, 10)


def test_of_an_empty_histogram_none_lie_above() -> None:
    assert above({}, 1.0) == above({1.0: 0, inf: 0}, 0.5) == (0, 0)


def test_values_above_a_quantile_are_the_rest() -> None:
    low, high = quantile(STEEP, 0.97)
    assert above(STEEP, low)[0] == pytest.approx(3)
    assert above(STEEP, high)[1] == pytest.approx(3)
