"""The dashboard that Grafana shows first: how the stack does, service by service and dependency by dependency."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.observability.slo import SLO

UID = "breakwater"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS, _HEIGHT = 3, 8
_WIDTH = 24 // _COLUMNS  # of the 24 units that Grafana's grid is wide
_STATES = {"0": ("closed", "green"), "1": ("half-open", "yellow"), "2": ("open", "red")}
_PRESENCE = {"0": ("away", "red"), "1": ("there", "green")}


@dataclass(frozen=True)
class Panel:
    """A chart: its series by their legend, the unit as Grafana names it, and where a line is drawn."""

    title: str
    unit: str
    series: Mapping[str, str]
    limit: float | None = None
    words: Mapping[str, tuple[str, str]] | None = None  # by value: a word and its colour, shown as bands over time


def _by_service(quantile: float) -> str:
    seconds = "sum by (le, job) (rate(http_request_duration_seconds_bucket[1m]))"
    return f"histogram_quantile({quantile}, {seconds})"


PANELS = (
    Panel("There", "none", {"{{job}}": "min by (job) (up)"}, words=_PRESENCE),
    Panel("Requests", "reqps", {"{{job}}": "sum by (job) (rate(http_requests_total[1m]))"}),
    Panel(
        "Share of errors (5xx)",
        "percentunit",
        {
            "{{job}}": 'sum by (job) (rate(http_requests_total{status=~"5.."}[1m]))'
            " / sum by (job) (rate(http_requests_total[1m]))"
        },
        limit=SLO.alerts.error_share,
    ),
    Panel("Latency: median", "s", {"{{job}}": _by_service(0.5)}),
    Panel("Latency: 95th percentile", "s", {"{{job}}": _by_service(0.95)}),
    Panel("Latency: 99th percentile", "s", {"{{job}}": _by_service(0.99)}),
    Panel(
        "Circuit breakers",
        "none",
        {"{{breaker}} of {{job}}": "max by (breaker, job) (breaker_state)"},
        words=_STATES,
    ),
    Panel(
        "Trips of breakers in 5 minutes",
        "none",
        {
            "{{breaker}}": "sum by (breaker) (increase(breaker_trips_total[5m]))",
            "{{breaker}}, false": "sum by (breaker) (increase(breaker_false_positives_total[5m]))",
        },
    ),
    Panel(
        "Calls to dependencies: 95th percentile",
        "s",
        {
            "{{dependency}}": "histogram_quantile(0.95,"
            " sum by (le, dependency) (rate(dependency_attempt_seconds_bucket[1m])))"
        },
    ),
    Panel("Cache", "reqps", {"{{kind}} {{outcome}}": "sum by (kind, outcome) (rate(cache_requests_total[1m]))"}),
    Panel(
        "Share of cache hits",
        "percentunit",
        {
            "{{kind}}": 'sum by (kind) (rate(cache_requests_total{outcome="fresh"}[1m]))'
            ' / sum by (kind) (rate(cache_requests_total{outcome=~"fresh|miss|unusable"}[1m]))'
        },
    ),
    Panel(
        "Calls that wait or are refused",
        "none",
        {
            "{{dependency}} waiting": "sum by (dependency) (bulkhead_waiting)",
            "{{dependency}} refused a second": "sum by (dependency) (rate(bulkhead_shed_total[1m]))",
        },
    ),
    Panel(
        "Replication lag",
        "s",
        {"{{node}}": "max by (node) (qdrant_replication_lag_seconds)"},
        limit=SLO.alerts.replication_lag_s,
    ),
    Panel(
        "Points that differ between nodes", "none", {"{{collection}}": "max by (collection) (replicas_inconsistent)"}
    ),
    Panel(
        "Ingestion jobs",
        "none",
        {
            "{{state}}": "max by (state) (ingestion_jobs_open)",
            "{{state}} in 5 minutes": "sum by (state) (increase(ingestion_jobs_total[5m]))",
        },
    ),
    Panel("Documents a second", "none", {"{{status}}": "sum by (status) (rate(ingestion_documents_total[1m]))"}),
    Panel("Chunks embedded a second", "none", {"chunks": "sum(rate(ingestion_chunks_embedded_total[1m]))"}),
    Panel("Older paths still used", "reqps", {"{{path}}": "sum by (path) (rate(legacy_requests_total[5m]))"}),
)


def dashboard() -> str:
    """It as the JSON that Grafana reads from a file."""
    return json.dumps(
        {
            "uid": UID,
            "title": "Breakwater",
            "schemaVersion": 39,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "templating": {"list": []},
            "panels": [_panel(index, panel) for index, panel in enumerate(PANELS)],
        },
        indent=1,
    )


def _panel(index: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(index, _COLUMNS)
    return {
        "id": index + 1,
        "type": "state-timeline" if panel.words else "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for number, (legend, expression) in enumerate(panel.series.items())
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}},
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.limit is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.limit}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    if panel.words:
        words = {value: {"text": text, "color": color} for value, (text, color) in panel.words.items()}
        defaults["mappings"] = [{"type": "value", "options": words}]
    return defaults
