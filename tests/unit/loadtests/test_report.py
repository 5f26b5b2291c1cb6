import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from chaos.record import Outcome
from loadtests import record, report
from loadtests.report import junit, page, tables, terminal
from loadtests.report.timeline import Timeline
from loadtests.samples import Samples
from loadtests.shapes import SHAPES
from loadtests.summary import Summary, summarize
from loadtests.tally import OUTCOMES, Tally, line
from tests.unit.loadtests.loads import Made, a_run, counted, used

STAGES = SHAPES["guard"].built()


@pytest.fixture(scope="module")
def samples() -> Samples:
    made = counted(STAGES, *[Made()] * 5, Made(seconds=0.08))
    made.seconds[6].outcomes["search"][Outcome.ERROR] = 3
    made.errors["search", "status 500 <script>"] = 3
    return made


@pytest.fixture(scope="module")
def summary(samples: Samples) -> Summary:
    return summarize(a_run("guard"), samples, used(15))


def test_the_page_needs_nothing_but_itself(summary: Summary, samples: Samples) -> None:
    text = page.page(summary, page.charts(summary.run, samples, used(15)))
    assert "<script" not in text
    assert "http://" not in text.replace(summary.run.url, "").replace("http://www.w3.org", "")
    assert text.count("<svg") == text.count('role="img"') == 3
    for said in (
        "failed",
        "guard: p95 of search",
        "status 500 &lt;script&gt;",
        "redis",
        "not the real thing",
        "0.80 cores",
    ):
        assert said in text


def test_a_load_that_measured_nothing_has_a_page_too() -> None:
    run = a_run("guard")
    text = page.page(summarize(run, Samples(), []), page.charts(run, Samples(), []))
    assert "inconclusive" in text
    assert "not measured" in text


def test_a_knee_is_told_on_the_page() -> None:
    stages = SHAPES["knee"].built()
    run, load = a_run("knee"), counted(stages, *[Made()] * 72, Made(seconds=0.3))
    short = summarize(run, load, [])
    assert "1200 requests a second hold, 1400 do not" in page.page(short, {"load": "", "cores": "", "memory": ""})
    told = io.StringIO()
    terminal.show(short, Console(file=told, width=100))
    assert "1200 requests a second hold, 1400 do not" in told.getvalue()


def test_junit_has_a_case_for_each_finding(summary: Summary) -> None:
    suites = junit.junit(summary)
    cases = suites.findall(".//testcase")
    assert len(cases) == len(summary.findings) == int(suites.get("tests") or 0)
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["guard: errors", "guard: p95", "guard: p95 of search"]


def test_the_table_of_seconds_has_the_rate_and_the_latency(summary: Summary, samples: Samples) -> None:
    rows = [dict(zip(tables.SECONDS, row, strict=True)) for row in tables.seconds(summary, samples)]
    assert len(rows) == 15
    assert rows[4] | {"intended": "200.0", "achieved": "200", "p95": "0.01000"} == rows[4]
    assert rows[6]["wrong"] == 3
    assert rows[8]["p95"] == "0.08000"


def test_a_long_load_is_drawn_in_wider_bins() -> None:
    stages = SHAPES["soak"].built(rate=1)
    timeline = Timeline.of(a_run("soak", stages), counted(stages, Made()), used(30))
    assert timeline.width == 25
    assert len(timeline.intended) <= 150
    assert timeline.intended[100] == pytest.approx(1)
    assert list(timeline.cores) == ["query", "generator", "redis"]


def test_the_terminal_says_what_kept_it_from_passing(summary: Summary) -> None:
    told = io.StringIO()
    terminal.show(summary, Console(file=told, width=100))
    said = told.getvalue()
    for words in ("failed guard: p95: 80 ms", "3 answers to search: status 500", "the generator 0.20, query 0.80"):
        assert words in said


def test_every_form_is_written_from_the_folder(tmp_path: Path) -> None:
    record.save_run(tmp_path, a_run("smoke"))
    record.save_usage(tmp_path, used(15))
    tally = Tally()
    for number in range(150):
        tally.started(number / 10, None)
        tally.ended(0, number / 10, 0.01, OUTCOMES.index(Outcome.CACHED))
    lines = [line("1", at, at / 10, {"seconds": [], "errors": []}) for at in (0.0, 15.0)]
    (tmp_path / record.SAMPLES).write_text("".join([lines[0], line("1", 14.0, 1.4, tally.drain()), lines[1]]))
    assert report.write(tmp_path, Console(file=io.StringIO())) == 0
    assert json.loads((tmp_path / "summary.json").read_text())["verdict"] == "passed"
    assert ET.parse(tmp_path / "junit.xml").getroot().get("failures") == "0"
    with (tmp_path / "operations.csv").open() as file:
        assert [row["requests"] for row in csv.DictReader(file)] == ["150", "150"]
    assert (tmp_path / page.NAME).read_text().startswith("<!DOCTYPE html>") or "<!DOCTYPE html>" in (
        tmp_path / page.NAME
    ).read_text()


def test_a_folder_without_a_load_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        report.write(tmp_path, Console(file=io.StringIO()))
