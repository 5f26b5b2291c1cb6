import pytest

from benchmarks.before_after.record import Found, Report, Trips
from benchmarks.before_after.row import Row, Verdict
from benchmarks.before_after.schedule import FAILURES, MODEL, VECTORS
from benchmarks.before_after.table import rows
from chaos.record import Outcome
from tests.unit.benchmarks.before_after.reports import answers, calm, report, under_faults

VECTOR_FAULTS = [failure.says for failure in FAILURES if failure.hits == VECTORS]
MODEL_FAULTS = [failure.says for failure in FAILURES if failure.hits == MODEL]


def row(made: Report, what: str) -> Row:
    """The only row of that name."""
    (found,) = [one for one in rows(made) if one.what == what]
    return found


@pytest.mark.parametrize(("p95_s", "verdict"), [(0.010, Verdict.HELD), (0.011, Verdict.MISSED)])
def test_the_range_of_searches_is_held_by_the_p95(p95_s: float, verdict: Verdict) -> None:
    seen = row(report(after=calm(alone=answers(0.002, 0.002, 0.002, p95_s))), "Search, p50 to p95 of 4")
    assert (seen.design, seen.verdict) == ("8 to 12 ms → 6 to 10 ms", verdict)
    assert seen.after == f"2.0 ms to {1000 * p95_s:.0f} ms"


def test_a_missed_range_says_what_cached_and_computed_answers_took() -> None:
    mixed = answers(0.020, 0.030, 0.040) + answers(0.002, outcome=Outcome.CACHED)
    seen = row(report(after=calm(alone=mixed)), "Search, p50 to p95 of 4")
    assert seen.verdict is Verdict.MISSED
    assert "2.0 ms from the cache, 30 ms computed" in seen.why


def test_answers_of_a_stand_in_are_said_to_prove_little() -> None:
    seen = row(report(), "Question, p50 to p95 of 4")
    assert seen.verdict is Verdict.HELD
    assert "proves little" in seen.why


@pytest.mark.parametrize(("after_s", "said", "verdict"), [(0.007, "-30 %", "held"), (0.009, "-10 %", "missed")])
def test_the_change_is_of_the_mean(after_s: float, said: str, verdict: str) -> None:
    seen = row(report(after=calm(alone=answers(after_s - 0.001, after_s + 0.001))), "Search, change of the mean")
    assert (seen.after, seen.verdict) == (f"{1000 * after_s:.1f} ms, {said}", verdict)


@pytest.mark.parametrize(("after_s", "verdict"), [(0.02, Verdict.HELD), (0.021, Verdict.MISSED)])
def test_under_load_twice_the_p95_is_the_limit(after_s: float, verdict: Verdict) -> None:
    assert row(report(after=calm(loaded=answers(after_s))), "Search under load, p95").verdict is verdict


def test_availability_holds_where_a_tenth_of_the_failures_is_left() -> None:
    made = report(calm(faulted=under_faults(VECTOR_FAULTS)), calm(faulted=under_faults(())))
    for what in ("Availability, faults of a vector node", "Availability, all faults"):
        seen = row(made, what)
        assert (seen.after, seen.verdict) == ("100.00 %", Verdict.HELD)
        assert seen.why.startswith("0.0 % of the failures are left")


def test_availability_that_is_missed_names_the_faults_that_are_left() -> None:
    made = report(calm(faulted=under_faults(VECTOR_FAULTS + MODEL_FAULTS)), calm(faulted=under_faults(MODEL_FAULTS)))
    assert row(made, "Availability, faults of a vector node").verdict is Verdict.HELD
    seen = row(made, "Availability, all faults")
    assert seen.verdict is Verdict.MISSED
    assert all(says in seen.why for says in MODEL_FAULTS)
    assert not any(says in seen.why for says in VECTOR_FAULTS)


def test_availability_is_unknown_where_nothing_failed_before() -> None:
    assert row(report(), "Availability, all faults").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("doubtful", "why"),
    [
        (calm(faulted=[one._replace(late=1.0) for one in under_faults(())]), "the machine was too busy"),
        (calm(loaded=answers(*[0.01] * 9) + answers(9, outcome=Outcome.UNAVAILABLE)), "even without a fault"),
        (calm(trouble=["A, it refuses: it takes connections"]), "it takes connections"),
    ],
)
def test_availability_is_unknown_where_the_load_was_late_or_a_fault_not_in_force(doubtful: Found, why: str) -> None:
    made = report(calm(faulted=under_faults(VECTOR_FAULTS)), doubtful)
    for what in ("Availability, faults of a vector node", "Availability, all faults"):
        seen = row(made, what)
        assert seen.verdict is Verdict.UNKNOWN
        assert why in seen.why


@pytest.mark.parametrize(("failed", "verdict"), [(5, Verdict.HELD), (6, Verdict.MISSED)])
def test_five_percent_of_errors_are_the_limit(failed: int, verdict: Verdict) -> None:
    mixed = answers(*[0.01] * (100 - failed)) + answers(*[0.01] * failed, outcome=Outcome.ERROR)
    seen = row(report(after=calm(alone=mixed, loaded=[])), "Errors without a fault")
    assert (seen.after, seen.verdict) == (f"{failed}.00 %", verdict)


@pytest.mark.parametrize(
    ("trips", "verdict"),
    [
        ([Trips(10, 1)], Verdict.HELD),
        ([Trips(9, 1)], Verdict.MISSED),
        ([Trips(0, 0)], Verdict.UNKNOWN),
        ([Trips(10, 0), None], Verdict.UNKNOWN),
    ],
)
def test_a_tenth_of_the_trips_may_be_false(trips: list[Trips | None], verdict: Verdict) -> None:
    assert row(report(after=calm(trips=trips)), "Breakers, false trips").verdict is verdict


def test_what_there_is_none_of_is_not_measured() -> None:
    unmeasured = [one.what for one in rows(report()) if one.verdict is Verdict.NOT_MEASURED]
    assert unmeasured == ["Front end, bundle", "Front end, initial load"]


def test_on_a_busy_machine_a_miss_proves_nothing_and_what_is_held_is() -> None:
    slow = calm(alone=answers(*[0.02] * 4) + answers(0.01, operation="question"))
    for made, verdict in ((report(after=slow), Verdict.MISSED), (report(after=slow, busy=0.9), Verdict.UNKNOWN)):
        assert row(made, "Search, p50 to p95 of 4").verdict is verdict
        assert row(made, "Question, p50 to p95 of 4").verdict is Verdict.HELD


@pytest.mark.parametrize("what", ["Question, change of the mean", "Search under load, p95"])
def test_on_a_busy_machine_two_stacks_cannot_be_compared(what: str) -> None:
    fast = calm(alone=answers(0.01) + answers(0.01, operation="question"), loaded=answers(0.001))
    assert row(report(after=fast), what).verdict is Verdict.HELD
    assert row(report(after=fast, busy=0.9), what).verdict is Verdict.UNKNOWN
