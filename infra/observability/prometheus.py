"""Prometheus's configuration: whom it asks for metrics, the alert rules, and whom it tells."""

from typing import Any

import yaml

from infra.topology import QDRANT_NODES, RELEASED, Topology, candidate_of

SCRAPE_S = 10  # the shortest range that a rule looks at is a minute
RULES = "/etc/prometheus/alerts"
KONG_STATUS_PORT = 8100  # Kong's own choice for what answers /status and /metrics; nothing outside asks it
_JOBS = {  # by name: the components that are asked
    "query": ("query",),
    "ingestion": ("ingestion",),
    "rag-service": ("rag-service",),
    "collections": ("collections",),
    "qdrant": QDRANT_NODES,
    "kong": ("kong",),
    "alertmanager": ("alertmanager",),
    "prometheus": ("prometheus",),
}
_PORTS = {"kong": KONG_STATUS_PORT}  # where it is not the component's port for HTTP


def prometheus_yml(topology: Topology, stack: str) -> str:
    """The file for this topology; alerts carry the name of the stack."""
    alertmanager = f"alertmanager:{_port(topology, 'alertmanager')}"
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": f"{SCRAPE_S}s",
                "scrape_timeout": f"{SCRAPE_S // 2}s",
                "evaluation_interval": f"{SCRAPE_S}s",
                "external_labels": {"stack": stack},
            },
            "rule_files": [f"{RULES}/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [_job(topology, name, components) for name, components in _JOBS.items()],
        },
        sort_keys=False,
    )


def _job(topology: Topology, name: str, components: tuple[str, ...]) -> dict[str, Any]:
    """All containers behind the components' names: while a service is replaced there are two.

    Candidates are looked up while there is none, too: to be told of them, Prometheus would have to restart.
    """
    there = [component for component in components if component in topology.by_name]
    candidates = [candidate_of(component) for component in there if component in RELEASED]
    looked_up = {
        "names": [*there, *candidates],
        "type": "A",
        "port": _port(topology, there[0]),
        "refresh_interval": "5s",
    }
    named = {"source_labels": ["__meta_dns_name", "__address__"], "separator": "/", "target_label": "instance"}
    return {"job_name": name, "dns_sd_configs": [looked_up], "relabel_configs": [named]}


def _port(topology: Topology, component: str) -> int:
    return _PORTS.get(component) or topology.component(component).port("http").container
