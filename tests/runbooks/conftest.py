"""One stack for the runbooks of a test process, with few documents, and what was run told at the end."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import PROJECT_ROOT
from tests.runbook import MARKS
from tests.stacks import Stack, temporary_stack

DOCUMENTS = ("local-target.md", "vector-cluster.md", "database.md")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("data")
    (data / "docs").mkdir()
    for name in DOCUMENTS:
        shutil.copy(PROJECT_ROOT / "docs" / name, data / "docs")
    collections = Path(shutil.copy(PROJECT_ROOT / "collections-config.json", data))
    assert [c["directory"] for c in json.loads(collections.read_text())["collections"]] == ["docs"]
    settings = {"collectionsFile": str(collections), "dataRoot": str(data), "docsRoot": str(data / "docs")}
    with temporary_stack(**settings) as stack:
        up = stack.breakwater("up")
        assert up.returncode == 0, up.stdout + up.stderr
        yield stack


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        counts.update(dict(getattr(report, "user_properties", [])))
    for mark, meaning in MARKS.items():
        terminalreporter.write_line(f"{counts[mark]:4} blocks {meaning}")
