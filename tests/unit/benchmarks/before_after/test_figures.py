import math
from typing import Any

import pytest

from benchmarks.before_after import figures
from benchmarks.before_after.figures import (
    Latency,
    answered,
    contradictions,
    failures_left,
    in_slot,
    latency,
    of,
    on_time,
)
from benchmarks.before_after.record import Found, Trips
from chaos.record import Outcome
from tests.unit.benchmarks.before_after.reports import PLAN, answers, under_faults


def test_latencies_are_quantiles_in_milliseconds_and_each_is_one_that_was_seen() -> None:
    assert latency(answers(*(n / 1000 for n in range(100, 0, -1)))) == Latency(50, 95, 99)
    assert latency(answers(0.004)) == Latency(4, 4, 4)
    assert latency([]) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_a_stale_answer_counts_as_answered_and_no_kind_of_failure_does(outcome: Outcome) -> None:
    successes = {Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED}
    assert answered(answers(0.1, outcome=outcome)) == (outcome in successes)


def test_the_share_of_answers_is_of_all_requests() -> None:
    assert answered(answers(1, 1, 1) + answers(1, outcome=Outcome.LOST)) == 0.75
    assert math.isnan(answered([]))


def test_failures_that_are_left_are_told_for_each_one_before() -> None:
    before = answers(*[1] * 6) + answers(*[1] * 4, outcome=Outcome.ERROR)
    after = answers(*[1] * 9) + answers(1, outcome=Outcome.UNAVAILABLE)
    assert failures_left(before, after) == pytest.approx(0.25)
    assert math.isnan(failures_left(answers(1), after))


def test_a_fault_answers_for_the_requests_during_it_and_in_the_rest_after_it() -> None:
    first, second = PLAN.slots[:2]
    everything = under_faults(())
    seen = in_slot(everything, first)
    assert [seen[0].at, seen[-1].at] == [0.0, pytest.approx(first.end - 0.1)]
    assert in_slot(everything, second)[0].at == pytest.approx(first.end)
    assert sum(len(in_slot(everything, slot)) for slot in PLAN.slots) == len(everything)


def test_requests_are_chosen_by_kind_and_outcome() -> None:
    mixed = answers(1, 2) + answers(3, operation="question") + answers(4, outcome=Outcome.CACHED)
    assert [one.seconds for one in of(mixed, "search")] == [1, 2, 4]
    assert [one.seconds for one in of(mixed, "search", Outcome.CACHED)] == [4]


def test_a_late_generator_is_noticed() -> None:
    late = [one._replace(late=0.2) for one in answers(1)]
    assert on_time(late + answers(1, 1, 1)) == 0.75


def test_trips_are_known_only_where_each_slots_are() -> None:
    assert figures.trips(Found(trips=[Trips(3, 1), Trips(2, 0)])) == Trips(5, 1)
    assert figures.trips(Found(trips=[Trips(3, 1), None])) is None
    assert figures.trips(Found()) is None


@pytest.mark.parametrize(
    ("settings", "found", "trouble"),
    [
        ({}, {"alone": answers(1, outcome=Outcome.CACHED)}, []),
        ({}, {"alone": answers(1)}, ["the cache is on, and nothing was answered from it"]),
        ({"cache": False}, {"alone": answers(1)}, []),
        (
            {"cache": False},
            {"faulted": answers(1, outcome=Outcome.DEGRADED)},
            ["the cache is off, and something was answered from it"],
        ),
        (
            {"cache": False, "breakersForcedClosed": True},
            {"trips": [Trips(1, 0)]},
            ["breakers are forced closed, and some opened"],
        ),
    ],
)
def test_a_stack_that_does_what_its_settings_rule_out_is_found_out(
    settings: dict[str, bool], found: dict[str, Any], trouble: list[str]
) -> None:
    assert contradictions({"cache": True, "breakersForcedClosed": False} | settings, Found(**found)) == trouble
