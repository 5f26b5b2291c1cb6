import io

from rich.console import Console

from chaos.record import Finding, Verdict
from chaos.scorecard.summary import summarize
from chaos.scorecard.terminal import show
from tests.unit.chaos.scorecard.runs import finding, load, result, run

FAILED, PASSED = Verdict.FAILED, Verdict.PASSED


def _shown(*results: object) -> str:
    written = io.StringIO()
    show(summarize(run(), results), Console(file=written, width=100))  # type: ignore[arg-type] # they are results
    return written.getvalue()


def test_each_experiment_has_a_line() -> None:
    shown = _shown(
        result("cut-ollama", FAILED, requests=load(50, 40)),
        result("slow-redis", findings=[finding(crossed=1612)]),
    )
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}

    assert lines["cut-ollama"] == []  # below the table, above its reasons
    assert "  cut-ollama   failed    passed     30.0 s      2,000" in shown
    assert lines["slow-redis"][-1] == "1,612"


def test_what_failed_says_why_and_a_dirty_end_too() -> None:
    dirty = Finding("healed", FAILED, "a toxic is left")
    shown = _shown(result("a", findings=[Finding("honest", FAILED, "37 lies")]), result("b", PASSED, clean_up=dirty))

    assert "a\n  failed honest: 37 lies\nb\n  failed healed: a toxic is left\n" in shown
    assert "2 experiments, 1 passed, 1 failed, 1 clean-up failed; 0 requests in 31.0 s" in shown


def test_the_terminal_obeys_no_record() -> None:
    shown = _shown(result("[red]x[/]\x1b[2J", findings=[Finding("\x1b]0;title\x07", FAILED, "[/nonsense]")]))

    assert "\x1b" not in shown
    assert "[red]x[/]" in shown
    assert "[/nonsense]" in shown
