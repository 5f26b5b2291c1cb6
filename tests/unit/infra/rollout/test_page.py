from dataclasses import replace

from infra.rollout.chart import chart
from infra.rollout.journal import Action, Conclusion, Line, Look
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Measurements, Traffic
from infra.rollout.page import page
from infra.rollout.state import Phase, State
from infra.rollout.timeline import Timeline
from tests.unit.infra.rollout.fakes import PLAN

BAD = Judgement("error-rate", Verdict.UNHEALTHY, 0.12, 0.05, "12 of 100 <failed>")
LINES = [
    Line(1.0, Action("release one alone", done=True)),
    Line(3.0, Look(1, "10 %", {"query": 10}, 10.0, Measurements(2.0, None, Traffic(100, 12, {0.1: 100})), (BAD,))),
    Line(4.0, Conclusion("undo", "error-rate: 12 of 100 <failed>", ("error-rate",))),
]


def test_a_page_tells_the_outcome_each_trigger_and_what_happened_and_needs_nothing_else() -> None:
    made = page(State(PLAN, Phase.UNDONE, reason="error-rate: 12 of 100 <failed>"), LINES, "<svg></svg>")
    for text in ("✗ Rollout id", "one → two", "undone: error-rate: 12 of 100 &lt;failed&gt;", "0.12", "0.05", "<svg>"):
        assert text in made
    assert "<failed>" not in made
    assert "http" not in made.replace("http-equiv", "")
    assert "<script" not in made


def test_a_page_of_a_rollout_that_was_never_looked_at_says_so() -> None:
    assert "Nothing was looked at." in page(State(PLAN), [], "")


def test_a_timeline_has_weights_both_releases_and_each_trigger_against_its_bound() -> None:
    timeline = Timeline.of(LINES, 1.0)
    assert timeline.seconds == 3.0
    assert timeline.weights == {"query": [(2.0, 10)]}
    assert timeline.errors["candidate"] == [(2.0, 0.12)]
    assert str(timeline.errors["stable"]) == "[(2.0, nan)]"
    assert timeline.triggers == {"error-rate": ([(2.0, 0.12)], [(2.0, 0.05)])}
    assert timeline.conclusions == [(3.0, "undo")]
    assert "The candidate's highest error rate is 12.0%." in timeline.in_words()


def test_a_value_that_is_missing_breaks_a_line() -> None:
    unknown = replace(BAD, value=None)
    look = Look(1, "10 %", {"query": 10}, 10.0, Measurements(2.0), (unknown,))
    assert str(Timeline.of([Line(3.0, look)], 1.0).triggers) == "{'error-rate': ([(2.0, nan)], [(2.0, 0.05)])}"


def test_a_chart_has_a_row_for_each_trigger_and_says_what_it_shows() -> None:
    drawn = chart(Timeline.of(LINES, 1.0))
    for text in (
        ">error rate<",
        ">p95 latency<",
        ">error-rate: value, and its bound dotted<",
        ">query<",
        "undo at 3 s.",
    ):
        assert text in drawn
