"""The configuration files of Prometheus, Alertmanager and Grafana: where each is in its container, and what it says."""

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.observability.dashboard import dashboard
from infra.observability.prometheus import RULES, prometheus_yml
from infra.topology import Topology

HERE = Path(__file__).parent


def observability_files(component: str, topology: Topology, stack: str) -> dict[str, str]:
    """The files of `component` by their absolute path in its container; none for one that is not theirs."""
    return _FILES[component](topology, stack) if component in _FILES else {}


def _prometheus(topology: Topology, stack: str) -> dict[str, str]:
    rules = {f"{RULES}/{file.name}": file.read_text() for file in sorted((HERE / "alerts").glob("*.yml"))}
    return {"/etc/prometheus/prometheus.yml": prometheus_yml(topology, stack), **rules}


def _alertmanager(_topology: Topology, _stack: str) -> dict[str, str]:
    return {"/etc/alertmanager/alertmanager.yml": (HERE / "alertmanager.yml").read_text()}


def _grafana(_topology: Topology, _stack: str) -> dict[str, str]:
    return {
        "/etc/grafana/provisioning/datasources/prometheus.yaml": (HERE / "grafana/datasource.yaml").read_text(),
        "/etc/grafana/provisioning/dashboards/breakwater.yaml": (HERE / "grafana/dashboards.yaml").read_text(),
        "/etc/grafana/dashboards/breakwater.json": dashboard(),
    }


_FILES: Mapping[str, Callable[[Topology, str], dict[str, str]]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "grafana": _grafana,
}
