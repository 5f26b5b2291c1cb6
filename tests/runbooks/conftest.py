"""One stack for the runbooks of a test process, with few documents, and what was run told at the end."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.runbook import MARKS
from tests.stacks import Stack, few_documents, temporary_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = few_documents(tmp_path_factory.mktemp("data"))
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
