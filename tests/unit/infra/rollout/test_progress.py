import io

from rich.console import Console

from infra.rollout.journal import Action, Conclusion, Look
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Measurements, Traffic
from infra.rollout.progress import shown
from tests.unit.infra.rollout.fakes import PLAN

LOOK = Look(
    *(1, "10 %", {"query": 10, "ingestion": 10}, 30.0),
    Measurements(12.0, Traffic(400, 0, {0.1: 400}), Traffic(40, 4, {0.1: 40})),
    (Judgement("error-rate", Verdict.UNHEALTHY, 0.1, 0.05, "4 of 40"),),
    "the metrics of query-next were not read",
)


def said(*, terminal: bool) -> str:
    written = io.StringIO()
    console = Console(file=written, width=100, force_terminal=terminal, color_system=None)
    with shown(PLAN, console) as note:
        for entry in (Action("release one alone", done=False), Action("release one alone", done=True), LOOK):
            note(entry)
        note(Conclusion("undo", "error-rate: 4 of 40", ("error-rate",)))
    return written.getvalue()


def test_a_terminal_shows_the_step_the_time_left_both_releases_and_each_trigger() -> None:
    shown = said(terminal=True)
    for text in ("step 2 of 3, 10 %", "candidate gets 10 %", "18.0 s left", "10.00%", "0.00%", "unhealthy", "4 of 40"):
        assert text in shown


def test_without_a_terminal_there_is_a_plain_line_for_each_thing_that_happens() -> None:
    lines = said(terminal=False).splitlines()
    assert lines[:2] == ["release one alone", "done: release one alone"]
    assert lines[2].startswith("10 %, 12 of 30 s; stable 400 requests, 0.0% errors")
    assert lines[2].endswith("not measured: the metrics of query-next were not read")
    assert lines[3] == "=> undo: error-rate: 4 of 40"
