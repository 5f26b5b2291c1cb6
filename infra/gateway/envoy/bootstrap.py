"""Envoy's bootstrap: where its configuration lies, and its administration interface."""

from infra.gateway.envoy.document import Json, file_source, typed

CONNECTIONS = 10_000  # clients at once; without a limit Envoy warns, and descriptors run out


def bootstrap(admin_port: int, directory: str) -> Json:
    """The static part; listeners, clusters and routes come from files beside it."""
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}},
        "dynamic_resources": {
            "lds_config": file_source(directory, "lds.json"),
            "cds_config": file_source(directory, "cds.json"),
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=CONNECTIONS,
                    ),
                }
            ]
        },
    }
