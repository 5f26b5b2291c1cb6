import re
from pathlib import Path

from benchmarks.before_after import page, record
from benchmarks.before_after.charts import charts
from benchmarks.before_after.page import text, write
from benchmarks.before_after.record import Found, Report
from benchmarks.before_after.schedule import FAILURES
from chaos.record import Outcome
from tests.unit.benchmarks.before_after.reports import PLAN, calm, report, under_faults

EVERYTHING = [failure.says for failure in FAILURES]


def full() -> Report:
    """A report in which everything fails before, and is answered stale after."""
    stale = calm(faulted=under_faults(EVERYTHING, outcome=Outcome.DEGRADED), attempts_ms={"ollama": 7.1})
    return report(calm(faulted=under_faults(EVERYTHING)), stale)


def test_page_charts_and_record_are_written_and_the_page_shows_the_charts(tmp_path: Path) -> None:
    written = write(full(), tmp_path / "new")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "new").iterdir()}
    shown = re.findall(r"!\[.+\]\((.+)\)", written[0].read_text())
    assert {f"{name}.svg" for name in ("before-after-latency", "before-after-availability")} == set(shown)
    assert all((tmp_path / "new" / name).read_text().startswith("<?xml") for name in shown)


def test_the_record_gives_back_the_report(tmp_path: Path) -> None:
    made = full()
    *_, kept = write(made, tmp_path)
    assert record.load(kept) == made
    assert text(record.load(kept)) == text(made)


def test_the_same_record_makes_the_same_files(tmp_path: Path) -> None:
    once, again = write(full(), tmp_path / "once"), write(full(), tmp_path / "again")
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


def test_a_chart_can_be_drawn_of_a_stack_that_answered_nothing() -> None:
    lost = under_faults(EVERYTHING, outcome=Outcome.LOST)
    assert all("</svg>" in svg for svg in charts(report(Found(faulted=lost), calm(faulted=lost))).values())


def test_each_fault_has_a_line_with_what_was_answered_before_and_after() -> None:
    lines = text(full()).splitlines()
    for slot in PLAN.slots:
        (line,) = [line for line in lines if line.startswith(f"| {slot.letter} |")]
        assert slot.says in line
        shares = re.findall(r"(\d+\.\d) %", line)
        assert float(shares[0]) < 70
        assert float(shares[1]) == 100
        assert float(shares[2]) > 30


def test_a_busy_machine_and_a_quick_run_are_said_to_be_so() -> None:
    assert "Others were at work" in text(report(busy=0.11))
    assert "Others were at work" not in text(report(busy=0.09))
    assert "quick run" not in text(report())


def test_what_went_wrong_is_told() -> None:
    assert "- after: C: not healed" in text(report(after=calm(trouble=["C: not healed"])))
    assert "went wrong" not in text(report())


def test_a_line_of_prose_fits_the_screen() -> None:
    prose = [line for line in text(full()).splitlines() if not line.startswith(("|", "!", "**"))]
    assert max(map(len, prose)) <= 120
    assert "\n\n\n" not in text(full())
    assert page.NAME in text(full())
