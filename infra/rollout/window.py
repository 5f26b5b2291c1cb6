"""What a release did in a window: by how much its components' counters have grown."""

from collections import Counter
from collections.abc import Collection, Mapping

from infra.probes.metrics import UP, NotSeenError, Snapshot, delta, total
from infra.rollout.measurements import Traffic, Trips
from infra.rollout.sources import component_of
from services.common.middleware.metrics import SYNTHETIC_ROUTE

NO_CALLERS = ("/health", "/ready", "/metrics", "/internal", SYNTHETIC_ROUTE)
"""Begins of the routes that no caller of the gateway asks for."""


def between(before: Snapshot, after: Snapshot, services: Mapping[str, str]) -> tuple[Traffic, Trips] | None:
    """What a release did between two moments; `services` is that of each of its components: {"query-next": "query"}.

    The instances of a service are added up; one that has restarted meanwhile counts from zero. None where one could not
    be read at either moment.
    """
    before, after = _of(before, services), _of(after, services)
    if {component_of(series.source) for series in after if series.name == UP} != set(services):
        return None
    try:
        grown = delta(before, after)
    except NotSeenError:
        return None
    parts = {service: _traffic(_of(grown, _components(services, service))) for service in services.values()}
    return summed(parts), _trips(grown)


def summed(services: Mapping[str, Traffic]) -> Traffic:
    """The traffic of all services together."""
    latencies: Counter[float] = Counter()
    for part in services.values():
        latencies.update(part.latencies)
    requests, errors = (sum(getattr(part, name) for part in services.values()) for name in ("requests", "errors"))
    return Traffic(requests, errors, dict(sorted(latencies.items())), services)


def _of(taken: Snapshot, components: Collection[str]) -> Snapshot:
    return {series: value for series, value in taken.items() if component_of(series.source) in components}


def _components(services: Mapping[str, str], service: str) -> list[str]:
    return [component for component, its in services.items() if its == service]


def _traffic(grown: Snapshot) -> Traffic:
    requests: Counter[int] = Counter()
    cumulative: Counter[float] = Counter()
    for series, value in grown.items():
        labels = dict(series.labels)
        if labels.get("route", "").startswith(NO_CALLERS):
            continue
        if series.name == "http_requests_total":
            requests[int(labels["status"])] += round(value)
        elif series.name == "http_request_duration_seconds_bucket":
            cumulative[float(labels["le"])] += round(value)
    latencies, below = {}, 0
    for end, count in sorted(cumulative.items()):
        latencies[end], below = count - below, count
    return Traffic(requests.total(), sum(count for status, count in requests.items() if status >= 500), latencies)


def _trips(grown: Snapshot) -> Trips:
    calls = total(grown, "breaker_calls_total") - total(grown, "breaker_calls_total", outcome="not_permitted")
    trips, false = (total(grown, f"breaker_{name}_total") for name in ("trips", "false_positives"))
    return Trips(round(calls), round(trips), round(false))
