"""Kong's plugins as Envoy's HTTP filters, in the order in which Kong runs them."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.gateway.envoy.document import Json, plugin, typed
from infra.gateway.envoy.ratelimit import CONSUMER_HEADER, rate_limit_filters

CORS = "envoy.filters.http.cors"
JWT = "envoy.filters.http.jwt_authn"
JWT_REQUIREMENT = "consumer"

# What Kong itself sets or clears after authentication, and what would steer Envoy's router.
FORGEABLE_PREFIXES = ("x-consumer-", "x-credential-", "x-anonymous-", "x-envoy-")


def jwks_file(consumer: str) -> str:
    """The file with the key of a consumer's tokens."""
    return f"jwks-{consumer}.json"


def http_filters(kong: Mapping[str, Any], directory: str) -> list[Json]:
    """The filter chain; a response passes it backwards."""
    hidden = plugin(kong["services"][0], "request-transformer")["remove"]["headers"]  # the same for all
    chain = [
        ("forged", _remove({"remove_on_match": {"key_matcher": {"prefix": p}}} for p in FORGEABLE_PREFIXES)),
        (CORS, typed("extensions.filters.http.cors.v3.Cors")),
        (JWT, _jwt(kong, directory)),
        *rate_limit_filters(kong),
        ("hidden", _remove({"remove": name} for name in hidden)),
        (
            "envoy.filters.http.router",
            typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
        ),
    ]
    return [{"name": name, "typed_config": config} for name, config in chain]


def _remove(mutations: Iterator[Json]) -> Json:
    return typed(
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": list(mutations)},
    )


def _jwt(kong: Mapping[str, Any], directory: str) -> Json:
    """One provider for each consumer: its own key, and only its own name as the token's subject."""
    names = [consumer["username"] for consumer in kong["consumers"]]
    required = [{"provider_name": name} for name in names]
    # A choice of one is not allowed.
    requirement = required[0] if len(required) == 1 else {"requires_any": {"requirements": required}}
    return typed(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={name: _provider(name, directory) for name in names},
        requirement_map={JWT_REQUIREMENT: requirement},
        bypass_cors_preflight=True,
    )


def _provider(consumer: str, directory: str) -> Json:
    return {
        "subjects": {"exact": consumer},
        "local_jwks": {"filename": f"{directory}/{jwks_file(consumer)}"},  # inline, /config_dump would show it
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": True,
        "require_expiration": True,
        "clock_skew_seconds": 1,  # by default a minute; 0 means the default
        "claim_to_headers": [{"header_name": CONSUMER_HEADER, "claim_name": "sub"}],
    }
