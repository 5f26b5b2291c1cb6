"""The gateway's declarative configuration (kong.yml) for Kong 3.9 without a database, from the topology.

Every value on which the gateways depend is written out, Kong's own defaults too: what is read is what holds.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from infra.gateway.routes import ROUTES, Route, pattern
from infra.topology import Topology, candidate_of

Address = Callable[[str, str], str]
"""From a consumer and its dependency to the `host:port` at which the one finds the other."""

GATEWAY = "kong"
ALL = 100  # the targets' weights are percent
CONNECT_TIMEOUT_MS = 2000
CORS_MAX_AGE_S = 3600
DOWN_STATUSES = (500, 501, 502, 503, 504, 505)  # Kong's default without 404 and 429, which no dead service sends

DEADLINE_HEADER = "X-Request-Deadline"  # milliseconds; a client may name a time of its own, which is left as it is
HIDDEN_HEADERS = ("Authorization", "X-Service-Token")  # no service reads the token; only a service may speak as one

EXPOSED_HEADERS = (
    "Age",
    "Deprecation",
    "Link",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "Sunset",
    "X-From-Cache",
    "X-Release",
    "X-Request-ID",
    "X-Service-Degraded",
)


@dataclass(frozen=True)
class RateLimit:
    """Requests that one consumer may make; raises ValueError for what Kong would refuse to load."""

    minute: int = 100
    hour: int = 1000

    def __post_init__(self) -> None:
        if self.hour < self.minute:
            raise ValueError(f"the rate limit of an hour is {self.hour}, below that of a minute, {self.minute}")


@dataclass(frozen=True)
class GatewaySettings:
    """What may differ between two gateways of the same topology."""

    consumers: Mapping[str, str] = field(repr=False)  # the secret that signs a consumer's tokens, by name
    rate_limit: RateLimit = RateLimit()
    rate_limits: Mapping[str, RateLimit] = field(default_factory=dict)  # of the consumers that have their own
    cors_origins: tuple[str, ...] = ("http://localhost:3103",)
    legacy_routes: bool = True
    others: Mapping[str, str] = field(default_factory=dict, repr=False)  # secrets that pass beside a consumer's own
    weights: Mapping[str, int] = field(default_factory=dict)  # percent of a service's requests for its candidate


def kong_config(topology: Topology, address: Address, settings: GatewaySettings) -> dict[str, Any]:
    """The declarative configuration; raises TopologyError for a route to what the gateway has no edge to."""
    routes = [r for r in ROUTES if r.paths or settings.legacy_routes]
    upstreams = dict.fromkeys(topology.edge(GATEWAY, route.service).dependency for route in routes)

    def targets(service: str) -> dict[str, int]:
        share = settings.weights.get(service, 0)
        weights = {service: ALL - share, candidate_of(service): share}
        return {address(GATEWAY, one): weight for one, weight in weights.items() if one in topology.by_name}

    return {
        "_format_version": "3.0",
        "upstreams": [_upstream(name, targets(name)) for name in upstreams],
        "services": [_service(route, settings) for route in routes],
        "plugins": _plugins(settings),
        "consumers": [_consumer(name, secret, settings) for name, secret in settings.consumers.items()],
    }


def to_yaml(config: Mapping[str, Any]) -> str:
    """`config` as the text of a kong.yml."""
    return yaml.safe_dump(dict(config), sort_keys=False)


def configuration_hash(config: str) -> str:
    """What Kong calls a configuration in its /status, whether it was posted or read from a file."""
    return hashlib.md5(config.encode(), usedforsecurity=False).hexdigest()


def _upstream(name: str, weights: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "algorithm": "round-robin",
        "healthchecks": {
            "active": {
                "type": "http",
                "http_path": "/health",
                "timeout": 1,
                "healthy": {"interval": 2, "successes": 1, "http_statuses": [200]},
                "unhealthy": {
                    "interval": 1,
                    "http_failures": 3,
                    "tcp_failures": 3,
                    "timeouts": 3,
                    "http_statuses": list(DOWN_STATUSES),
                },
            },
        },
        "targets": [{"target": target, "weight": weight} for target, weight in weights.items()],
    }


def _service(route: Route, settings: GatewaySettings) -> dict[str, Any]:
    """Kong's timeouts belong to a service, so each route has a service of its own."""
    paths = (*route.paths, *(route.legacy if settings.legacy_routes else ()))
    return {
        "name": route.name,
        "host": route.service,
        "port": 80,
        "protocol": "http",
        "retries": 1,
        "connect_timeout": CONNECT_TIMEOUT_MS,
        "read_timeout": route.timeout_s * 1000,
        "write_timeout": route.timeout_s * 1000,
        "routes": [
            {
                "name": route.name,
                "paths": [f"~{pattern(path)}$" for path in paths],
                "methods": [*route.methods, "OPTIONS"],  # a preflight has to find the route
                "strip_path": False,
                "preserve_host": True,
                "request_buffering": False,
                "response_buffering": False,  # server-sent events arrive as they are sent
            }
        ],
        "plugins": [{"name": "request-transformer", "config": _request_transformer(route)}],
    }


def _request_transformer(route: Route) -> dict[str, Any]:
    # A service's instance of a plugin would replace the one for all; so there is none for all.
    added = {"add": {"headers": [f"{DEADLINE_HEADER}:{route.budget_s * 1000}"]}} if route.budget_s else {}
    return {"remove": {"headers": list(HIDDEN_HEADERS)}, **added}


def _plugins(settings: GatewaySettings) -> list[dict[str, Any]]:
    configs: dict[str, dict[str, Any]] = {
        "correlation-id": {"header_name": "X-Request-ID", "generator": "uuid", "echo_downstream": True},
        "cors": {
            "origins": list(settings.cors_origins),
            "methods": ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            "headers": ["Accept", "Authorization", "Content-Type", "X-Request-ID"],
            "exposed_headers": list(EXPOSED_HEADERS),
            "credentials": False,
            "max_age": CORS_MAX_AGE_S,
            "preflight_continue": False,
        },
        "jwt": {
            "key_claim_name": "sub",
            "claims_to_verify": ["exp"],
            "header_names": ["authorization"],
            "uri_param_names": [],
            "cookie_names": [],
            "secret_is_base64": False,
            "run_on_preflight": False,
        },
        "rate-limiting": _rate_limiting(settings.rate_limit),
    }
    return [{"name": name, "config": config} for name, config in configs.items()]


def _rate_limiting(limit: RateLimit) -> dict[str, Any]:
    return {"minute": limit.minute, "hour": limit.hour, "policy": "local", "limit_by": "consumer"}


def other_key(consumer: str) -> str:
    """The key of a consumer's second credential: Kong wants another, and no consumer has a name with a hyphen."""
    return f"{consumer}-other"


def _consumer(name: str, secret: str, settings: GatewaySettings) -> dict[str, Any]:
    own = settings.rate_limits.get(name)
    secrets = {name: secret} | ({other_key(name): settings.others[name]} if name in settings.others else {})
    plugins = [{"name": "rate-limiting", "config": _rate_limiting(own)}] if own else []
    return {
        "username": name,
        "jwt_secrets": [{"key": key, "algorithm": "HS256", "secret": secret} for key, secret in secrets.items()],
        **({"plugins": plugins} if plugins else {}),
    }
