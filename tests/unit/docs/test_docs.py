import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra import reference
from infra.reference import DOCS
from infra.settings import PROJECT_ROOT

PAGES = sorted(
    path
    for path in DOCS.rglob("*")
    if path.suffix in {".md", ".html", ".pdf", ".docx", ".txt"} and path.parent.name != "decisions"
)
MARKDOWN_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HTML_LINK = re.compile(r'href="([^"#]+)"')
QUESTIONS = yaml.safe_load((PROJECT_ROOT / "tests/golden-questions.yaml").read_text())


def links(path: Path) -> Iterator[str]:
    pattern = HTML_LINK if path.suffix == ".html" else MARKDOWN_LINK
    for target in pattern.findall(path.read_text()):
        if not re.match(r"[a-z]+:", target):
            yield target


TEXT_PAGES = [p for p in (PROJECT_ROOT / "README.md", *PAGES) if p.suffix in {".md", ".html"}]


@pytest.mark.parametrize("path", TEXT_PAGES, ids=lambda p: str(p.relative_to(PROJECT_ROOT)))
def test_every_link_of_a_page_leads_to_a_file(path: Path) -> None:
    broken = [target for target in links(path) if not (path.parent / target).exists()]
    assert broken == []


def test_the_collection_has_at_least_twenty_pages_in_several_formats() -> None:
    count = {suffix: sum(p.suffix == suffix for p in PAGES) for suffix in {p.suffix for p in PAGES}}
    assert len(PAGES) >= 20
    assert all(count[suffix] >= least for suffix, least in {".html": 2, ".txt": 2, ".pdf": 1, ".docx": 1}.items())
    assert {p.suffix for p in (DOCS / "examples").iterdir()} >= {".sh", ".py"}


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    missing = [p.name for p in PAGES if f"({p.relative_to(DOCS)})" not in index and p.name != "README.md"]
    assert missing == []


def test_every_golden_question_names_pages_that_exist() -> None:
    for entry in QUESTIONS:
        assert entry["documents"]
        for document in entry["documents"]:
            assert (DOCS / document).is_file(), entry["question"]


def test_there_are_thirty_golden_questions_over_many_pages_and_all_formats() -> None:
    documents = {document for entry in QUESTIONS for document in entry["documents"]}
    assert len({entry["question"] for entry in QUESTIONS}) == 30
    assert len(documents) >= 18
    assert {Path(d).suffix for d in documents} >= {".md", ".html", ".pdf", ".docx", ".txt"}


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_tables_of_a_page_are_those_of_the_code(name: str) -> None:
    page = (DOCS / name).read_text()
    assert "<!-- table: " in page
    assert page == reference.filled(page), "run: python -m infra.reference"
