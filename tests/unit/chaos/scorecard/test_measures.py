import pytest

from chaos.record import Outcome, Verdict
from chaos.scorecard.measures import STEADY, crossed, late_s, phases, quantile, recovery_s
from tests.unit.chaos.scorecard.runs import finding, load, request, result, window


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.99, 10), (0.1, 1), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share: float, expected: int) -> None:
    assert quantile(range(1, 11), share) == expected


def test_a_phase_holds_the_requests_that_were_meant_to_start_in_it() -> None:
    flapping = [window(10, 12), window(15, 20)]
    parts = phases(result(requests=load(30, 10), windows=flapping))

    assert {name: part.requests for name, part in parts.items()} == {
        "all": 300,
        "before": 100,
        "during": 100,
        "after": 100,
    }


def test_without_a_fault_all_is_before_it_and_without_an_end_nothing_is_after_it() -> None:
    assert set(phases(result(requests=load(5, 10)))) == {"all", "before"}
    assert set(phases(result(requests=load(5, 10), windows=[window(2, None)]))) == {"all", "before", "during"}
    assert phases(result()) == {}


def test_refusals_and_stale_answers_are_no_errors() -> None:
    requests = [request(number, number, outcome) for number, outcome in enumerate(Outcome)]

    assert phases(result(requests=requests))["all"].error_share == pytest.approx(3 / 7)


def test_recovery_ends_with_the_last_bad_answer_before_a_steady_run_of_good_ones() -> None:
    def got(at: float) -> tuple[Outcome, float]:
        return (Outcome.UNAVAILABLE if 5 <= at < 12 else Outcome.LIVE, 0.5)

    assert recovery_s(result(requests=load(20, 10, got), windows=[window(5, 10)])) == pytest.approx(2.4)


def test_a_single_good_answer_is_no_recovery_and_a_refusal_says_nothing() -> None:
    bad = [request(0, 10.5, Outcome.LOST)]
    nearly = [request(number, 11 + number, Outcome.LIVE) for number in range(STEADY - 1)]
    refused = [request(50, 30, Outcome.REFUSED)]
    last = [request(51, 31, Outcome.CACHED)]

    assert recovery_s(result(requests=bad + nearly + refused, windows=[window(5, 10)])) is None
    assert recovery_s(result(requests=bad + nearly + refused + last, windows=[window(5, 10)])) == pytest.approx(0.52)


def test_a_stale_answer_is_no_recovery() -> None:
    requests = load(20, 10, lambda _: (Outcome.DEGRADED, 0.01))

    assert recovery_s(result(requests=requests, windows=[window(5, 10)])) is None


def test_who_was_good_at_once_recovered_in_no_time() -> None:
    assert recovery_s(result(requests=load(20, 10), windows=[window(5, 10)])) == 0


@pytest.mark.parametrize("windows", [[], [window(5, None)], [window(1, 2), window(5, None)]])
def test_without_a_healed_fault_there_is_no_recovery(windows: list[object]) -> None:
    assert recovery_s(result(requests=load(20, 10), windows=windows)) is None  # type: ignore[arg-type] # parametrized


def test_what_crossed_is_what_findings_counted() -> None:
    counted = [finding(), *(finding(Verdict.PASSED, "crossing", crossed=count) for count in (612, 30))]

    assert crossed(result(findings=counted)) == 642
    assert crossed(result(findings=[finding(crossed="many")])) is None
    assert crossed(result(findings=[finding(crossed=True)])) is None


def test_how_late_the_generator_was() -> None:
    assert late_s(result(requests=load(1, 10))) == pytest.approx(0.001)
    assert late_s(result()) is None
