"""Which experiments there are, and what each proves."""

from pathlib import Path

import pytest

from chaos.experiment import Described, Entry

EXPERIMENTS = Path(__file__).parent / "experiments"


class _Collected:
    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


def catalogue() -> list[Entry]:
    """All of them, in the order in which they run."""
    collected = _Collected()
    options = ["--collect-only", "-p", "no:cacheprovider", "-p", "no:terminal", "-o", "addopts=--import-mode=importlib"]
    pytest.main([str(EXPERIMENTS), *options], plugins=[collected])
    return [_entry(item) for item in collected.items]


def _entry(item: pytest.Item) -> Entry:
    assert isinstance(item, pytest.Function)
    described: Described = item.obj.described
    return described.entry(item.callspec.params if hasattr(item, "callspec") else {})
