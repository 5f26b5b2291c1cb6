from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.contract.contract import ContractError
from chaos.contract.table import PATH, expand, load
from chaos.operations import OPERATIONS
from infra.gateway.routes import ROUTES

TABLE = yaml.safe_load(PATH.read_text())
CONTRACT = load()


def names(dependency: str, kind: str, endpoint: str) -> set[str]:
    return {answer.name for answer in CONTRACT.promise(dependency, kind, endpoint).answers}


def test_the_table_says_something_of_every_dependency_kind_and_endpoint() -> None:
    assert set(CONTRACT.calm) == set(OPERATIONS)
    assert len(CONTRACT.rows) == len(CONTRACT.dependencies) * len(CONTRACT.kinds) * len(CONTRACT.calm)
    assert {"ollama", "qdrant", "qdrant-one-node", "redis", "timescaledb", "query", "ingestion"} == set(
        CONTRACT.dependencies
    )
    assert {"down", "black-hole", "slow", "reset", "garbage"} == set(CONTRACT.kinds)


@pytest.mark.parametrize(
    ("dependency", "endpoint", "allowed"),
    [
        ("ollama", "search", {"fresh", "stale", "unavailable"}),
        ("ollama", "question-streamed", {"fresh", "stale", "unavailable", "broken-off"}),
        ("qdrant", "question", {"fresh", "stale", "unavailable"}),
        ("qdrant", "collection-stats", {"live"}),
        ("qdrant-one-node", "search", {"live", "fresh"}),
        ("redis", "search", {"live"}),
        ("timescaledb", "search", {"live", "fresh"}),
        ("timescaledb", "collections", {"live"}),
        ("timescaledb", "collection-documents", {"unavailable"}),
        ("timescaledb", "job-start", {"unavailable"}),
        ("query", "rag-search", {"unavailable"}),
        ("query", "search", {"live", "fresh"}),
        ("ingestion", "reindex", {"unavailable"}),
        ("ingestion", "job-start", {"live"}),
    ],
)
def test_what_callers_get_while_a_dependency_is_down(dependency: str, endpoint: str, allowed: set[str]) -> None:
    assert names(dependency, "down", endpoint) == allowed


def test_no_row_takes_longer_than_the_gateway_waits() -> None:
    question = next(route for route in ROUTES if route.name == "question")
    assert CONTRACT.calm["question"].within_s == question.timeout_s
    assert CONTRACT.promise("ollama", "black-hole", "search").within_s == 6
    for row in CONTRACT.rows.values():
        assert row.promise.within_s <= CONTRACT.calm[row.endpoint].within_s


def test_only_what_says_so_is_allowed_to_be_no_success() -> None:
    for row in CONTRACT.rows.values():
        for answer in row.promise.answers:
            assert answer.statuses <= {200, 202, 503}
            assert answer.headers or answer.name in {"live", "broken-off"}


Change = Callable[[dict[str, Any]], object]


def _outage(**row: Any) -> Change:
    return lambda table: table["outages"].append(row)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_outage(away="ollama", ask=["search"], kinds=["down"]), "two rows speak of ollama, down, search"),
        (lambda t: t["outages"].pop(0), "no row speaks of ollama, (down|reset|garbage), "),
        (lambda t: t["kinds"].update(melted="gone"), "no row speaks of ollama, melted, search"),
        (lambda t: t["dependencies"].update(mars="far"), "no row speaks of mars"),
        (lambda t: t["endpoints"].pop("jobs"), "'jobs' is an operation or an endpoint, and not both"),
        (lambda t: t["endpoints"].update(tea={"answers": ["live"], "within_s": 1}), "'tea' is an operation or"),
        (lambda t: t["endpoints"]["health"].pop("within_s"), "health has no route"),
        (_outage(away="mars", ask=["search"]), "'mars' is no dependency"),
        (_outage(away="ollama", ask=["tea"]), "'tea' is no endpoint"),
        (_outage(away="ollama", ask=["search"], kinds=["melted"]), "'melted' is no kind"),
        (_outage(away="ollama", ask=["search"], kinds=["asked"]), "'search' is no kind"),
        (_outage(away="ollama", ask=["search"], answers=["tea"]), "'tea' is no class of answers"),
        (_outage(away="ollama", ask=["search"], within_s=11), "search may take longer"),
        (_outage(away="ollama", ask=[]), "at least 1 item"),
        (_outage(away="ollama", ask=["search"], answers=[]), "at least 1 item"),
        (_outage(away="ollama", ask=["search"], within=3), "Extra inputs"),
        (lambda t: t["groups"].update(elsewhere=["elsewhere"]), "'elsewhere' is no endpoint"),
        (lambda t: t["answers"]["live"].update(outcome="splendid"), "outcome"),
    ],
)
def test_a_table_with_a_contradiction_or_a_gap_is_refused(change: Change, said: str) -> None:
    table = deepcopy(TABLE)
    change(table)
    with pytest.raises(ContractError, match=said):
        expand(table)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.yaml").write_text("{")
    with pytest.raises(ContractError, match=r"table\.yaml"):
        load(tmp_path / "table.yaml")
