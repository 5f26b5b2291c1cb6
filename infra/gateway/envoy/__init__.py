"""Envoy's configuration from kong.yml alone, so that one description serves two gateways."""

from collections.abc import Mapping
from typing import Any

from infra.gateway.envoy.bootstrap import bootstrap
from infra.gateway.envoy.clusters import clusters
from infra.gateway.envoy.document import resources, text
from infra.gateway.envoy.jwt import JWT_FILE, jwks_files, jwt_filter
from infra.gateway.envoy.listener import listener
from infra.gateway.envoy.routes import route_configuration
from infra.gateway.envoy.rules import UnsupportedError
from infra.gateway.envoy.supported import check

__all__ = ["CLUSTERS_FILE", "ROUTES_FILE", "UnsupportedError", "render_envoy"]

CLUSTERS_FILE = "cds.json"
ROUTES_FILE = "rds.json"


def render_envoy(kong: Mapping[str, Any], *, listen_port: int, admin_port: int, directory: str) -> dict[str, str]:
    """The files of `directory` by name; `envoy -c bootstrap.json` reads the others from there.

    Weights are in rds.json only: moving a new one into place (os.replace) changes them and nothing else. So does one
    of jwt.json with the consumers' secrets, which are in the jwks files that it names and nowhere else.
    Raises UnsupportedError for what would not hold in Envoy.
    """
    check(kong)
    return {
        "bootstrap.json": text(bootstrap(admin_port, directory)),
        "lds.json": resources("config.listener.v3.Listener", [listener(kong, listen_port, directory)]),
        CLUSTERS_FILE: resources("config.cluster.v3.Cluster", clusters(kong)),
        ROUTES_FILE: resources("config.route.v3.RouteConfiguration", [route_configuration(kong)]),
        JWT_FILE: resources("config.core.v3.TypedExtensionConfig", [jwt_filter(kong, directory)]),
        **jwks_files(kong),
    }
