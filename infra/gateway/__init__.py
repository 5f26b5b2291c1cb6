"""The gateway: one kong.yml from the topology, and from that same kong.yml the configuration of Envoy."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.gateway.envoy import CLUSTERS_FILE, ROUTES_FILE, render_envoy
from infra.gateway.envoy.jwt import JWKS_PREFIX, JWT_FILE
from infra.gateway.kong import Address, GatewaySettings, RateLimit, kong_config, to_yaml
from infra.gateway.tokens import secret_name
from infra.settings import Settings
from infra.topology import Topology

KONG_FILE = "kong.yml"
DIFFERENCES = (
    "rate limits refill evenly instead of at each full minute and hour; "
    "every 401 says Unauthorized; an unhealthy target keeps its share until its weight is changed"
)
"""Where Envoy, standing in, differs from Kong; docs/decisions/gateway-parity.md has the whole list."""


def kong_of(
    topology: Topology, settings: Settings, address: Address, secrets: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The declarative configuration of a stack's gateway."""
    held = {name: secrets[secret_name(name)] for name in settings.consumers}
    return kong_config(
        topology,
        address,
        GatewaySettings(
            consumers={name: first for name, (first, *_) in held.items()},
            others={name: other for name, (_, *others) in held.items() for other in others},
            rate_limit=RateLimit(settings.rate_limit_minute, settings.rate_limit_hour),
            cors_origins=settings.cors_origins,
            legacy_routes=settings.legacy_routes,
            weights=settings.candidate_weights,
        ),
    )


def gateway_files(
    topology: Topology, settings: Settings, address: Address, secrets: Mapping[str, Sequence[str]], *, directory: str
) -> dict[str, str]:
    """The files of a stack's gateway by name, to lie in `directory`: kong.yml, and Envoy's rendered from it."""
    kong = kong_of(topology, settings, address, secrets)
    gateway = topology.component("kong")
    envoy = render_envoy(
        kong,
        listen_port=gateway.port("http").host,
        admin_port=gateway.port("admin").host,
        directory=directory,
    )
    return {KONG_FILE: to_yaml(kong), **envoy}


def is_live(name: str) -> bool:
    """Whether a file of the gateway's holds nothing for which it would have to be restarted.

    That is what has the secrets, and what moves requests from one release to another: the targets and their weights.
    """
    return name in {KONG_FILE, JWT_FILE, CLUSTERS_FILE, ROUTES_FILE} or name.startswith(JWKS_PREFIX)
