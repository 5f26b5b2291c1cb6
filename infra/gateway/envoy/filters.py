"""Kong's plugins as Envoy's HTTP filters, in the order in which Kong runs them."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.gateway.envoy.document import Json, plugin, typed
from infra.gateway.envoy.jwt import jwt_discovery
from infra.gateway.envoy.ratelimit import rate_limit_filters

CORS = "envoy.filters.http.cors"

# What Kong itself sets or clears after authentication, and what would steer Envoy's router.
FORGEABLE_PREFIXES = ("x-consumer-", "x-credential-", "x-anonymous-", "x-envoy-")


def http_filters(kong: Mapping[str, Any], directory: str) -> list[Json]:
    """The filter chain; a response passes it backwards."""
    hidden = plugin(kong["services"][0], "request-transformer")["remove"]["headers"]  # the same for all
    router = typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    return [
        _filter("forged", _remove({"remove_on_match": {"key_matcher": {"prefix": p}}} for p in FORGEABLE_PREFIXES)),
        _filter(CORS, typed("extensions.filters.http.cors.v3.Cors")),
        jwt_discovery(directory),
        *(_filter(name, config) for name, config in rate_limit_filters(kong)),
        _filter("hidden", _remove({"remove": name} for name in hidden)),
        _filter("envoy.filters.http.router", router),
    ]


def _filter(name: str, config: Json) -> Json:
    return {"name": name, "typed_config": config}


def _remove(mutations: Iterator[Json]) -> Json:
    return typed(
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": list(mutations)},
    )
