"""The listener: connections, request ids, the access log, and errors in the shape of Kong's."""

from collections.abc import Mapping
from typing import Any

from infra.gateway.envoy.document import Json, file_source, typed
from infra.gateway.envoy.filters import http_filters
from infra.gateway.envoy.ratelimit import CONSUMER_HEADER
from infra.gateway.envoy.routes import ROUTE_CONFIGURATION

# Envoy's response flags: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
NO_TARGET = ["UH", "NC", "UO"]
BROKEN_TARGET = ["UF", "UC", "UR", "URX", "LR", "UPE"]

# First match wins. (by status or by flags, the status that Kong gives, Kong's message)
REPLIES: tuple[tuple[int | list[str], int, str], ...] = (
    (401, 401, "Unauthorized"),
    (404, 404, "no Route matched with those values"),
    (429, 429, "API rate limit exceeded"),
    (NO_TARGET, 503, "failure to get a peer from the ring-balancer"),
    (BROKEN_TARGET, 502, "An invalid response was received from the upstream server"),
    (504, 504, "The upstream server is timing out"),
)

# No query, which may hold what a user asked, and no token.
ACCESS_LOG = {
    "time": "%START_TIME%",
    "service": "gateway",
    "event": "request",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "consumer": f"%REQ({CONSUMER_HEADER})%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "duration_ms": "%DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "target": "%UPSTREAM_HOST%",
}


def listener(kong: Mapping[str, Any], port: int, directory: str) -> Json:
    """The listener on 127.0.0.1; its routes come from rds.json."""
    manager = typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        rds={
            "config_source": file_source(directory, "rds.json"),
            "route_config_name": ROUTE_CONFIGURATION,
        },
        http_filters=http_filters(kong, directory),
        # A request id from outside is kept, and answered.
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        use_remote_address=True,
        internal_address_config={"unix_sockets": False},
        normalize_path=True,
        merge_slashes=True,
        server_header_transformation="PASS_THROUGH",
        request_headers_timeout="10s",
        common_http_protocol_options={"idle_timeout": "75s"},
        local_reply_config={
            "mappers": [_reply(*row) for row in REPLIES],
            "body_format": _body("%LOCAL_REPLY_BODY%"),
        },
        access_log=[
            {
                "name": "envoy.access_loggers.stdout",
                "typed_config": typed(
                    "extensions.access_loggers.stream.v3.StdoutAccessLog",
                    log_format={"json_format": ACCESS_LOG},
                ),
            }
        ],
    )
    return {
        "name": "gateway",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _reply(when: int | list[str], status: int, message: str) -> Json:
    return {
        "filter": _status(when) if isinstance(when, int) else {"response_flag_filter": {"flags": when}},
        "status_code": status,
        "body_format_override": _body(message),
    }


def _status(code: int) -> Json:
    value = {"default_value": code, "runtime_key": "unused"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _body(message: str) -> Json:
    return {"json_format": {"message": message, "request_id": "%REQ(X-REQUEST-ID)%"}}
