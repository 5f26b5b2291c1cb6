"""The alert rules are valid, speak of metrics that the services have, and lead to a page that helps."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from infra.settings import PROJECT_ROOT
from services.collections.replicas import metrics  # noqa: F401  # defines its metrics
from services.common import breakers  # noqa: F401  # defines its metrics

FILES = sorted((PROJECT_ROOT / "infra/observability/alerts").glob("*.yml"))
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
FUNCTIONS = {"increase", "max_over_time", "rate", "time"}


def rules(file: str = "*.yml") -> list[Any]:
    found = sorted((PROJECT_ROOT / "infra/observability/alerts").glob(file))
    groups = [group for path in found for group in yaml.safe_load(path.read_text())["groups"]]
    return [pytest.param(rule, id=rule["alert"]) for group in groups for rule in group["rules"]]


def series() -> set[str]:
    """The names under which Prometheus finds what the registry holds."""
    return {family.name + suffix for family in REGISTRY.collect() for suffix in SUFFIXES.get(family.type, ("",))}


def names_in(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", expression)
    return set(re.findall(r"[a-z_:]{2,}", bare)) - FUNCTIONS


@pytest.mark.parametrize("rule", rules())
def test_a_rule_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    asked = names_in(rule["expr"])
    assert asked
    assert asked <= series()


@pytest.mark.parametrize("rule", rules())
def test_a_rule_says_what_is_wrong_and_where_to_read_what_to_do(rule: dict[str, Any]) -> None:
    assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    said = rule["annotations"]
    assert said.keys() == {"summary", "description", "runbook"}
    page = PROJECT_ROOT / said["runbook"]
    assert page.is_file()
    assert rule["alert"] in page.read_text()


@pytest.mark.parametrize("rule", rules())
def test_one_sample_alone_raises_no_alert(rule: dict[str, Any]) -> None:
    assert int(rule["for"].rstrip("sm")) > 0


def test_the_figures_of_the_design_are_those_of_the_rules() -> None:
    expressions = {rule.values[0]["alert"]: rule.values[0]["expr"] for rule in rules()}
    assert expressions["ReplicationLag"] == "qdrant_replication_lag_seconds > 5"
    assert expressions["BreakerFalsePositives"] == "breaker_false_positive_ratio > 0.1"
