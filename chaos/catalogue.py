"""Which experiments there are, and what each proves."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chaos.experiment import Described, Entry
from chaos.suite import Suite

EXPERIMENTS = Path(__file__).parent / "experiments"


class _Collected:
    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


def catalogue() -> list[Entry]:
    """All of them, in the order in which they run."""
    return [_entry(item) for item in _collect()]


def experiments() -> dict[str, Callable[[Suite], Awaitable[None]]]:
    """What runs each of them, by its name on the scorecard; it raises where the experiment does not pass."""
    return {_entry(item).name: partial(item.obj, **_values(item)) for item in _collect()}


def _collect() -> list[pytest.Function]:
    collected = _Collected()
    options = ["--collect-only", "-p", "no:cacheprovider", "-p", "no:terminal", "-o", "addopts=--import-mode=importlib"]
    pytest.main([str(EXPERIMENTS), *options], plugins=[collected])
    return [item for item in collected.items if isinstance(item, pytest.Function)]


def _entry(item: pytest.Function) -> Entry:
    described: Described = item.obj.described
    return described.entry(_values(item))


def _values(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}
