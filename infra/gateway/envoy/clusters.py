"""Kong's upstreams as Envoy's clusters: one for each target, so that each can have a weight and its own statistics."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from infra.gateway.envoy.document import Json, seconds, typed

IDLE_S = 4  # below the 5 s after which uvicorn closes an idle connection, so that no request meets a closed one
MOST = 100_000  # requests and connections at once; Envoy's default of 1024 would be a hidden limit


def cluster_name(upstream: str, target: str) -> str:
    """The cluster of a target. Dots would break Envoy's statistics names."""
    return f"{upstream}@{target}".replace(".", "_")


def clusters(kong: Mapping[str, Any]) -> list[Json]:
    """The clusters of all upstreams that a service uses."""
    timeouts = {service["host"]: service["connect_timeout"] for service in kong["services"]}
    return [
        _cluster(upstream, target["target"], timeouts[upstream["name"]])
        for upstream in kong["upstreams"]
        for target in upstream["targets"]
        if upstream["name"] in timeouts
    ]


def _cluster(upstream: Mapping[str, Any], target: str, connect_timeout_ms: int) -> Json:
    name = cluster_name(upstream["name"], target)
    host, port = target.split(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    return {
        "name": name,
        "type": "STATIC" if _is_address(host) else "STRICT_DNS",
        "connect_timeout": seconds(connect_timeout_ms),
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "health_checks": [_health_check(upstream["healthchecks"]["active"])],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},  # never to a target known to be dead
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": MOST,
                    "max_pending_requests": MOST,
                    "max_requests": MOST,
                    "max_retries": MOST,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": f"{IDLE_S}s"},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }


def _health_check(active: Mapping[str, Any]) -> Json:
    healthy, unhealthy = active["healthy"], active["unhealthy"]
    interval, down = f"{healthy['interval']}s", f"{unhealthy['interval']}s"
    return {
        "timeout": f"{active['timeout']}s",
        "interval": interval,
        "no_traffic_interval": interval,  # by default a minute
        "no_traffic_healthy_interval": interval,
        "unhealthy_interval": down,
        "unhealthy_edge_interval": down,
        "unhealthy_threshold": unhealthy["http_failures"],
        "healthy_threshold": healthy["successes"],
        "http_health_check": {
            "path": active["http_path"],
            # Statuses outside both ranges would condemn a target at the first failure.
            "expected_statuses": [{"start": 200, "end": 201}],
            "retriable_statuses": [{"start": 201, "end": 600}],
        },
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
