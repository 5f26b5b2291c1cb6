"""What Prometheus, Alertmanager and Grafana are configured with fits together, and fits what the services export."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from infra.observability.dashboard import PANELS
from infra.observability.files import observability_files
from infra.observability.prometheus import KONG_STATUS_PORT, SCRAPE_S
from infra.settings import PROJECT_ROOT
from infra.targets.deployment import topology_of
from infra.targets.services import SERVICES
from infra.topology import OBSERVABILITY
from services.collections.replicas import metrics as replicas  # noqa: F401  # defines its metrics
from services.common import attempts, breakers, bulkhead, legacy  # noqa: F401  # define their metrics
from services.common.middleware import metrics as requests  # noqa: F401  # defines its metrics
from services.ingestion import metrics as ingestion  # noqa: F401  # defines its metrics
from services.query import fallback  # noqa: F401  # defines its metrics
from tests.settings import settings

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
WORDS = {"by", "histogram_quantile", "increase", "max", "min", "rate", "sum"}
OF_PROMETHEUS = {"up"}  # it makes this one itself
DOCKER = settings(target="docker")


def files(component: str, **changes: object) -> dict[str, Any]:
    """The component's files by path, parsed."""
    found = observability_files(component, topology_of(settings(target="docker", **changes)), "test")
    return {path: (json.loads if path.endswith(".json") else yaml.safe_load)(text) for path, text in found.items()}


def prometheus(**changes: object) -> Any:
    return files("prometheus", **changes)["/etc/prometheus/prometheus.yml"]


def series() -> dict[str, set[str]]:
    """The labels of what the services export, by the name under which Prometheus finds it."""
    collectors = {collector for collector in REGISTRY._collector_to_names if hasattr(collector, "_labelnames")}
    return {
        family.name + suffix: {*collector._labelnames, "job", "instance", *(["le"] if suffix == "_bucket" else [])}
        for collector in collectors
        for family in collector.collect()
        for suffix in SUFFIXES.get(family.type, ("",))
    }


QUERIES = [
    pytest.param(legend, expression, id=f"{panel.title}: {legend}")
    for panel in PANELS
    for legend, expression in panel.series.items()
]


@pytest.mark.parametrize("component", OBSERVABILITY)
def test_every_file_parses_and_has_an_absolute_path(component: str) -> None:
    found = files(component)
    assert found
    assert all(path.startswith("/etc/") and content for path, content in found.items())


def test_what_is_no_part_of_it_gets_no_file() -> None:
    assert observability_files("query", topology_of(DOCKER), "test") == {}


def test_the_services_the_vector_nodes_the_gateway_and_the_watchers_are_asked_at_their_ports() -> None:
    asked = {job["job_name"]: job["dns_sd_configs"][0] for job in prometheus()["scrape_configs"]}
    topology = topology_of(replace(DOCKER, candidate="0.2.0"))
    assert {*SERVICES, "qdrant", "kong", "alertmanager", "prometheus"} == asked.keys()
    for found in asked.values():
        assert found["type"] == "A"
        for name in found["names"]:
            port = topology.component(name).port("http").container
            assert found["port"] == (KONG_STATUS_PORT if name == "kong" else port)
    assert asked["qdrant"]["names"] == ["qdrant-0", "qdrant-1", "qdrant-2"]
    assert asked["query"]["names"] == ["query", "query-next"]  # before there is one


def test_a_node_that_the_stack_does_not_have_is_not_asked() -> None:
    (qdrant,) = (job for job in prometheus(qdrantNodes=1)["scrape_configs"] if job["job_name"] == "qdrant")
    assert qdrant["dns_sd_configs"][0]["names"] == ["qdrant-0"]


def test_every_rule_is_loaded_and_told_to_alertmanager() -> None:
    found = files("prometheus")
    rules = {path for path in found if path.startswith("/etc/prometheus/alerts/")}
    in_the_project = (PROJECT_ROOT / "infra/observability/alerts").glob("*.yml")
    assert {path.rpartition("/")[2] for path in rules} == {file.name for file in in_the_project}
    assert prometheus()["rule_files"] == ["/etc/prometheus/alerts/*.yml"]
    assert prometheus()["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert prometheus()["global"]["external_labels"] == {"stack": "test"}


def test_the_port_offset_of_the_machine_changes_nothing_inside() -> None:
    assert prometheus(portOffset=1000) == prometheus()


def test_alerts_reach_a_receiver_that_there_is_and_that_sends_nothing() -> None:
    (configuration,) = files("alertmanager").values()
    assert configuration["receivers"] == [{"name": configuration["route"]["receiver"]}]


def test_the_dashboard_asks_the_data_source_that_is_provisioned_and_lies_where_it_is_looked_for() -> None:
    found = files("grafana")
    (source,) = found["/etc/grafana/provisioning/datasources/prometheus.yaml"]["datasources"]
    (provider,) = found["/etc/grafana/provisioning/dashboards/breakwater.yaml"]["providers"]
    dashboard = found[f"{provider['options']['path']}/breakwater.json"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == f"{SCRAPE_S}s"


def test_panels_have_a_place_of_their_own() -> None:
    panels = files("grafana")["/etc/grafana/dashboards/breakwater.json"]["panels"]
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)


@pytest.mark.parametrize(("legend", "expression"), QUERIES)
def test_a_panel_asks_for_metrics_and_labels_that_there_are(legend: str, expression: str) -> None:
    exported = series()
    labels = {name for group in re.findall(r"by \(([^)]*)\)", expression) for name in group.split(", ")}
    matched = set(re.findall(r"(\w+)=~?\"", expression))
    bare = re.sub(r"by \([^)]*\)|\{[^}]*\}|\[[^]]*\]", "", expression)
    metrics = set(re.findall(r"[a-z_]{2,}", bare)) - WORDS
    assert metrics
    assert metrics - OF_PROMETHEUS <= exported.keys()
    for metric in metrics - OF_PROMETHEUS:
        assert labels | matched <= exported[metric]
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) == labels - {"le"}
