"""Kong's services and routes as Envoy's route configuration. The targets' weights are here, and only here."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.gateway.envoy.clusters import cluster_name
from infra.gateway.envoy.document import Json, plugin, seconds, typed
from infra.gateway.envoy.filters import CORS
from infra.gateway.envoy.jwt import JWT, JWT_REQUIREMENT

ROUTE_CONFIGURATION = "gateway"


def route_configuration(kong: Mapping[str, Any]) -> Json:
    """All routes in one virtual host. What matches none is answered with 404."""
    upstreams = {upstream["name"]: upstream for upstream in kong["upstreams"]}
    routes = [
        _route(service, route, path, upstreams[service["host"]])
        for service in kong["services"]
        for route in service["routes"]
        for path in route["paths"]
    ]
    return {
        "name": ROUTE_CONFIGURATION,
        "virtual_hosts": [
            {
                "name": "gateway",
                "domains": ["*"],
                "routes": routes,
                "typed_per_filter_config": {
                    CORS: _cors(plugin(kong, "cors")),
                    # Not a rule of the filter's own: those would ask for a token where there is no route.
                    JWT: typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", requirement_name=JWT_REQUIREMENT),
                },
            }
        ],
    }


def _route(service: Mapping[str, Any], route: Mapping[str, Any], path: str, upstream: Mapping[str, Any]) -> Json:
    methods = {"regex": "|".join(route["methods"])}
    return {
        "name": route["name"],
        "match": {
            "safe_regex": {"regex": path.removeprefix("~").removesuffix("$")},
            "headers": [{"name": ":method", "string_match": {"safe_regex": methods}}],
        },
        "request_headers_to_add": [
            {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}
            for name, value in _added(plugin(service, "request-transformer"))
        ],
        "route": {
            "weighted_clusters": {
                "clusters": [
                    {"name": cluster_name(upstream["name"], target["target"]), "weight": target["weight"]}
                    for target in upstream["targets"]
                ]
            },
            # Kong's read timeout bounds the silence between two bytes, not the whole answer.
            "timeout": "0s",
            "idle_timeout": seconds(service["read_timeout"]),
            # Only what never reached a target is tried again, so that it is done once whatever the method.
            "retry_policy": {
                "retry_on": "connect-failure,reset-before-request",
                "num_retries": service["retries"],
            },
        },
    }


def _added(transformer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for header in transformer.get("add", {}).get("headers", []):
        name, _, value = header.partition(":")
        yield name, value


def _cors(config: Mapping[str, Any]) -> Json:
    return typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in config["origins"]],
        allow_methods=",".join(config["methods"]),
        allow_headers=",".join(config["headers"]),
        expose_headers=",".join(config["exposed_headers"]),
        allow_credentials=config["credentials"],
        max_age=str(config["max_age"]),
        forward_not_matching_preflights=False,
    )
