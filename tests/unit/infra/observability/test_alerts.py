"""The alert rules are valid, speak of metrics that the services have, and lead to a page that helps."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from infra.observability.slo import SLO
from infra.settings import PROJECT_ROOT
from services.collections.replicas import metrics  # noqa: F401  # defines its metrics
from services.common import breakers  # noqa: F401  # defines its metrics
from services.common.middleware import metrics as requests  # noqa: F401  # defines its metrics

FILES = sorted((PROJECT_ROOT / "infra/observability/alerts").glob("*.yml"))
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
FUNCTIONS = {"by", "histogram_quantile", "increase", "le", "max_over_time", "rate", "sum", "time"}
THRESHOLDS = {  # what each of these alerts compares with is a figure of the SLO
    "ReplicationLag": SLO.alerts.replication_lag_s,
    "BreakerFalsePositives": SLO.alerts.breaker_false_positive_share,
    "Errors": SLO.alerts.error_share,
    "SearchSlow": SLO.alerts.search_p95_s,
}


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


@pytest.mark.parametrize(("alert", "figure"), THRESHOLDS.items())
def test_an_alert_is_raised_at_the_figure_of_the_slo(alert: str, figure: float) -> None:
    expressions = {rule.values[0]["alert"]: rule.values[0]["expr"] for rule in rules()}
    compared = re.search(r"> ([\d.]+)$", expressions[alert])
    assert compared
    assert float(compared[1]) == figure


def test_the_figures_of_the_slo_are_those_of_the_design() -> None:
    assert SLO.alerts.error_share == 0.05
    assert SLO.alerts.replication_lag_s == 5
    assert SLO.alerts.breaker_false_positive_share == 0.1
    assert SLO.load.rate == 1000
