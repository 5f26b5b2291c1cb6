from dataclasses import dataclass
from typing import Any

import pytest

from infra.rollout.composition import source
from infra.rollout.sources import Prometheus, Scrape


@dataclass
class Stack:
    components: frozenset[str]

    def url(self, component: str) -> str:
        return f"http://{component}"


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({"query", "query-next"}, Scrape({"query": "http://query", "query-next": "http://query-next"})),
        ({"query", "query-next", "prometheus"}, Prometheus("http://prometheus", ("query", "query-next"))),
    ],
)
def test_counters_are_read_from_prometheus_where_the_stack_has_one(
    components: set[str], expected: Prometheus | Scrape
) -> None:
    stack: Any = Stack(frozenset(components))
    assert source(stack, ("query", "query-next")) == expected
