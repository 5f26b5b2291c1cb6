import pytest

from chaos.record import Outcome, Sample
from chaos.scorecard.timeline import Span, Timeline, faults
from tests.unit.chaos.scorecard.runs import breaker, load, request, result, window


@pytest.mark.parametrize(
    ("seconds", "rate", "width"), [(30, 40, 0.25), (30, 20, 0.5), (60, 40, 0.5), (90, 40, 1.0), (30, 1, 1.0)]
)
def test_bins_are_narrow_where_there_is_enough_in_them(seconds: float, rate: float, width: float) -> None:
    assert Timeline.of(result(requests=load(seconds, rate), seconds=seconds)).width == width


def test_a_rate_is_by_the_intended_start_so_that_slow_answers_leave_no_gap() -> None:
    slow = load(30, 40, lambda at: (Outcome.LOST if at >= 20 else Outcome.LIVE, 9.0))
    timeline = Timeline.of(result(requests=slow))

    assert timeline.rates[Outcome.LIVE][:80] == [40.0] * 80
    assert timeline.rates[Outcome.LOST][80:120] == [40.0] * 40
    assert list(timeline.rates) == [Outcome.LIVE, Outcome.LOST]


def test_a_bin_without_requests_has_no_latency() -> None:
    timeline = Timeline.of(result(requests=[request(0, 0.5), request(1, 2.5, seconds=0.3)], seconds=3))

    assert timeline.quantiles["p99"] == [pytest.approx(0.02), None, pytest.approx(0.3), None]


def test_a_request_after_the_end_lengthens_the_timeline() -> None:
    assert Timeline.of(result(requests=[request(0, 31.5)], seconds=30)).seconds == 31.5


def test_windows_of_one_fault_share_a_letter() -> None:
    windows = (window(5, 6, "cut b"), window(1, 2, "cut a"), window(3, None, "cut a"))

    assert [(fault.letter, fault.says, fault.spans) for fault in faults(windows, 9)] == [
        ("A", "cut a", ((1, 2), (3, 9))),
        ("B", "cut b", ((5, 6),)),
    ]
    many = faults(tuple(window(number, number + 1, f"cut {number}") for number in range(28)), 30)
    assert [fault.letter for fault in many][-3:] == ["Z", "AA", "AB"]


def test_a_breaker_holds_its_state_until_a_sample_says_another() -> None:
    samples = [breaker(0, 0), breaker(1, 0), breaker(5, 2), breaker(6, 2), breaker(9, 1), breaker(10, 0)]
    samples += [breaker(2, 2, source="rag-service"), Sample(3, "query", "breaker_trips_total", {}, 1)]
    samples += [breaker(4, 7)]  # no state that there is

    assert Timeline.of(result(samples=samples)).breakers == {
        "query: ollama": [
            Span("closed", 0, 5),
            Span("open", 5, 9),
            Span("half-open", 9, 10),
            Span("closed", 10, 30),
        ],
        "rag-service: ollama": [Span("open", 2, 30)],
    }


def test_a_breaker_of_one_process_has_a_lane_of_its_own() -> None:
    samples = [Sample(0, "query", "breaker_state", {"breaker": "redis", "pid": pid}, 0) for pid in ("7", "8")]

    assert list(Timeline.of(result(samples=samples)).breakers) == ["query: redis pid=7", "query: redis pid=8"]


def test_words_tell_what_the_chart_shows() -> None:
    requests = load(30, 40, lambda at: (Outcome.LOST, 2.0) if 10 <= at < 15 else (Outcome.LIVE, 0.02))
    words = Timeline.of(
        result(requests=requests, windows=[window(10, 15)], samples=[breaker(0, 0), breaker(12, 2)])
    ).in_words()

    assert words == (
        "Timeline of 30.0 s. 1,000 requests live. 200 requests lost. The highest p99 latency is 2.0 s. "
        "Fault A, cut query->ollama: 10.0 to 15.0 s. Breaker query: ollama is open from 12.0 s."
    )
