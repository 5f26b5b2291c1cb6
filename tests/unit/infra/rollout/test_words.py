from math import inf

import pytest

from infra.rollout import words
from infra.rollout.journal import Action, Conclusion, Entry, Look
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Measurements, Traffic
from infra.rollout.state import Phase, State
from tests.unit.infra.rollout.fakes import PLAN

LOOK = Look(
    *(1, "10 %", {"query": 10}, 30.0),
    Measurements(12.0, Traffic(400, 0, {0.1: 400}), Traffic(0, 0, {})),
    (
        Judgement("latency", Verdict.INCONCLUSIVE, None, 2.0, "0 requests"),
        Judgement("routing", Verdict.HEALTHY, 0.0, 0.02, "all of them"),
    ),
)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Action("release one alone", done=False), "release one alone"),
        (Action("release one alone", done=True), "done: release one alone"),
        (Conclusion("undo", "latency: slow", ("latency",)), "=> undo: latency: slow"),
        (Conclusion("undone", ""), "=> undone"),
        (
            LOOK,
            "10 %, 12 of 30 s; stable 400 requests, 0.0% errors, p95 95 ms; candidate no requests; "
            "latency inconclusive (0 requests), routing healthy",
        ),
    ],
)
def test_an_entry_is_said_in_a_line(entry: Entry, said: str) -> None:
    assert words.entry_said(entry) == said


def test_a_latency_beyond_all_buckets_is_more_than_the_last() -> None:
    assert words.p95_said(Traffic(9, 0, {0.5: 1, inf: 8})) == "> 500 ms"
    assert words.p95_said(None) == words.NOTHING


def test_a_long_reason_is_cut_to_a_line() -> None:
    assert words.brief("one\n  two", 20) == "one two"
    assert words.brief("word " * 100, 20) == "word word word …"


def test_where_a_rollout_stands_names_its_step() -> None:
    assert words.outcome_said(State(PLAN, Phase.PAUSED, 1)) == "paused at to 10 %"
    assert words.outcome_said(State(PLAN, Phase.UNDONE, 1)) == "undone"
