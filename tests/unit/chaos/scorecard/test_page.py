import re
from html.parser import HTMLParser

import pytest

from chaos.design import DESIGN
from chaos.record import Finding, Result, Verdict
from chaos.scorecard.page import anchor, page
from chaos.scorecard.summary import summarize
from tests.unit.chaos.scorecard.runs import finding, load, result, run, window

FAILED, PASSED, UNKNOWN = Verdict.FAILED, Verdict.PASSED, Verdict.UNKNOWN
HOSTILE = "</style><script>alert('x')</script><img src=x onerror=\"y\">{{ 7 * 7 }}"
CHART = '<svg role="img" aria-label="a chart"></svg>'


class _Reader(HTMLParser):
    """Which elements there are, and that every one that was opened is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _page(*results: Result, **about: object) -> str:
    return page(summarize(run(**about), results), {one.name: CHART for one in results if one.requests})


def _text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.split("</style>")[1]).split())


def test_the_page_says_what_ran_and_how_it_went() -> None:
    text = _text(_page(result("a", PASSED, requests=load(50, 40)), result("b", FAILED), result("c", UNKNOWN)))

    assert "Of 3 experiments, 1 failed, 1 unknown" in text
    assert "began 2026-01-05 14:30:00 UTC took 31.0 s suite quick seed 7 rate 40" in text
    assert "qdrant-0 embedded Qdrant (stand-in) not the real thing redis Valkey 8.1" in text
    assert "live 2,000 100.0 % a success, computed now" in text


def test_a_decision_without_an_experiment_is_not_proven() -> None:
    text = _text(_page(result("a", PASSED, proves=["breakers"])))

    assert f"{DESIGN['breakers']} ✓ passed a" in text
    assert f"{DESIGN['no-downtime']} not proven in this run" in text


def test_only_what_passed_cleanly_is_folded() -> None:
    dirty = Finding("healed", FAILED, "a toxic is left")
    html = _page(result("a", PASSED), result("b", FAILED), result("c", UNKNOWN), result("d", PASSED, clean_up=dirty))

    assert ["open" in details for details in _Reader(html).named("details")] == [False, True, True, True]
    assert "1 clean-up did not succeed" in html


def test_every_link_leads_to_a_section_of_the_page() -> None:
    read = _Reader(_page(result("a b/c", PASSED), result("d", FAILED)))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]

    assert len(ids) == len(set(ids))
    assert {link["href"] for link in read.named("a")} == {"#" + anchor("a b/c"), "#" + anchor("d")}
    assert {anchor("a b/c"), anchor("d")} <= set(ids)


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    html = _page(result("a", PASSED, requests=load(1, 10)))
    read = _Reader(html)

    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.elements}
    assert not {"src", "srcset"} & {name for _, attributes in read.elements for name in attributes}
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_hostile_text_stays_text() -> None:
    hostile = result(
        HOSTILE,
        title=HOSTILE,
        proves=[HOSTILE],
        findings=[
            Finding(HOSTILE, FAILED, HOSTILE, {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}], "rows": [{"a": HOSTILE}]})
        ],
        clean_up=Finding(HOSTILE, FAILED, HOSTILE, {"left": HOSTILE}),
        windows=[window(1, 2, HOSTILE)],
    )
    html = _page(hostile, id=HOSTILE, stack={HOSTILE: HOSTILE}, settings={HOSTILE: HOSTILE})
    read = _Reader(html)

    assert not {"script", "img"} & {tag for tag, _ in read.elements}
    assert "onerror=&#34;" in html
    assert "{{ 7 * 7 }}" in html


def test_evidence_is_shown_in_short() -> None:
    rows = [{"number": number, "status": None if number == 2 else 500} for number in range(20)]
    found = finding(FAILED, share=0.018512, checked=12345, ok=False, requests=rows, ids=list(range(9)), none=[])
    text = _text(_page(result("a", findings=[found])))

    assert "share 0.01851 checked 12,345 ok False requests number status 0 500 1 500 2 \N{EN DASH} 3 500" in text
    assert "and 14 more ids 0, 1, 2, 3, 4, 5 and 3 more none none" in text


def test_a_chart_stands_in_its_section_and_its_absence_is_explained() -> None:
    html = _page(result("a", PASSED, requests=load(20, 10), windows=[window(5, 10)]), result("b", PASSED))

    assert html.count(CHART) == 1
    assert "there is no timeline" in html
    assert "A cut query-&gt;ollama 5.0 to 10.0" in _text(html)
    assert "during the faults 50 0.0 % 20 ms 20 ms 20 ms" in _text(html)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([], "No experiment ran, so nothing is known"),
        ([result("a", PASSED)], "The experiment passed"),
        ([result("a", PASSED), result("b", PASSED)], "All 2 experiments passed"),
        ([result("a")], "Of 1 experiment, 0 failed, 1 unknown"),
    ],
)
def test_the_headline_fits_the_run(results: list[Result], said: str) -> None:
    assert said in _text(_page(*results))


def test_tables_have_headers_for_who_hears_them() -> None:
    read = _Reader(_page(result("a", FAILED, requests=load(20, 10), windows=[window(5, 10)])))

    assert all(header.get("scope") in {"row", "col"} for header in read.named("th"))
    assert {"lang": "en"} in read.named("html")
