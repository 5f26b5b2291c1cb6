from runpy import run_module

import pytest

from chaos.contract.page import page
from chaos.contract.table import load
from infra.reference import DOCS

CONTRACT = load()
PAGE = page(CONTRACT)


def test_the_page_states_every_promise_once() -> None:
    sections = PAGE.split("\n## ")
    assert [section for section in sections if section.startswith("Without")] != []
    for name, text in CONTRACT.dependencies.items():
        (section,) = (section for section in sections if section.startswith(f"Without {text} (`{name}`)"))
        for endpoint in CONTRACT.calm:
            words = section.replace("|", ",").replace("\n", ",").replace(".", ",").replace("As ever:", ",").split(",")
            assert [word.strip() for word in words].count(endpoint) == 1, (name, endpoint)


def test_a_promise_stands_in_its_endpoints_line_and_its_kinds_column() -> None:
    lines = PAGE.splitlines()
    header = lines.index("| endpoint | down, reset, garbage | black-hole | slow |")
    assert lines[header + 2] == (
        "| search, rag-search | fresh, stale or unavailable; 3 s | fresh, stale or unavailable; 6 s"
        " | live, fresh, stale or unavailable; 10 s |"
    )


def test_what_nothing_changes_has_no_table() -> None:
    section = PAGE.split("(`qdrant-one-node`)")[1].split("##")[0]
    assert "|" not in section


def test_endpoints_are_explained_by_their_requests() -> None:
    assert "| search | `GET /api/v1/rag/search` | live or fresh | 10 |" in PAGE


def test_the_module_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    run_module("chaos.contract", run_name="__main__")
    assert capsys.readouterr().out == PAGE


def test_the_documentation_holds_the_page() -> None:
    assert (DOCS / "outages.md").read_text() == PAGE, "run: python -m chaos.contract > docs/outages.md"
