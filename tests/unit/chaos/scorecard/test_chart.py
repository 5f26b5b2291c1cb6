import re
from xml.etree import ElementTree as ET

import pytest

from chaos.record import Outcome, Result
from chaos.scorecard.chart import chart
from tests.unit.chaos.scorecard.runs import breaker, load, result, window


def _recorded(name: str = "cut-ollama", fault: str = "cut query->ollama") -> Result:
    def got(at: float) -> tuple[Outcome, float]:
        return (list(Outcome)[int(at) % 7], 0.5) if 10 <= at < 20 else (Outcome.LIVE, 0.02)

    return result(
        name,
        requests=load(30, 20, got),
        windows=[window(10, 20, fault)],
        samples=[breaker(0, 0), breaker(11, 2), breaker(18, 1), breaker(19, 0)],
    )


@pytest.fixture(scope="module")
def drawn() -> str:
    return chart(_recorded())


def test_a_chart_is_text_in_the_colours_of_the_page(drawn: str) -> None:
    ET.fromstring(drawn)

    for shown in ("requests per second", "latency, whatever the outcome", "breakers", "query: ollama", "p95"):
        assert f">{shown}</text>" in drawn
    assert {f"var(--{outcome})" for outcome in Outcome} <= set(re.findall(r"var\(--[\w-]+\)", drawn))
    assert "var(--half-open)" in drawn
    assert "#0102" not in drawn


def test_a_fault_is_marked_in_every_row_and_named_once(drawn: str) -> None:
    assert drawn.count(">A</text>") == 4
    assert drawn.count("cut query-&gt;ollama</text>") == 1


def test_a_chart_describes_itself_and_loads_nothing(drawn: str) -> None:
    assert 'role="img" aria-label="Timeline of 30.0 s.' in drawn
    assert "http" not in drawn


def test_charts_of_one_page_share_no_id(drawn: str) -> None:
    other = chart(_recorded("slow-redis"))
    ids, others = (set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (drawn, other))

    assert ids
    assert not ids & others
    assert {used[1:] for used in re.findall(r'href="([^"]+)"', drawn)} <= ids
    assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= ids


def test_a_fault_may_have_any_name() -> None:
    svg = chart(_recorded('<"&\x00 x', "$\\frac{1}$ </svg><script> 連線中斷 \x1b" + "x" * 200))

    ET.fromstring(svg)
    assert "<script" not in svg
    assert "$\\frac{1}$ &lt;/svg&gt;&lt;script&gt; 連線中斷 \ufffdxx" in svg


def test_only_what_was_recorded_is_drawn() -> None:
    assert chart(result()) == ""
    assert "requests per second" not in chart(result(windows=[window(1, 2)]))
    assert "faults in force" not in chart(result(requests=load(1, 1, lambda _: (Outcome.LIVE, 0.0)), seconds=0))
