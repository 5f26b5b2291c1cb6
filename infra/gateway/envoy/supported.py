"""What of kong.yml the Envoy rendering honours. Everything else is refused, and so is a default left unsaid."""

from collections.abc import Mapping
from typing import Any

from infra.gateway.envoy.rules import (
    Optional,
    Rule,
    UnsupportedError,
    a,
    between,
    each,
    fields,
    matching,
    only,
)
from infra.gateway.kong import other_key

NAME = matching(r"[A-Za-z0-9_-]+")
HEADER = matching(r"[A-Za-z0-9-]+")
METHOD = only("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
COUNT = between(1, 1_000_000_000)
SECONDS = between(1, 65535)
MILLISECONDS = between(1, 2**31 - 2)

_RATE_LIMITING = fields(
    second=Optional(COUNT),
    minute=Optional(COUNT),
    hour=Optional(COUNT),
    policy=only("local"),
    limit_by=only("consumer"),
)

_PLUGINS: dict[str, Rule] = {
    "correlation-id": fields(header_name=only("X-Request-ID"), generator=only("uuid"), echo_downstream=only(True)),
    "cors": fields(
        # Kong takes anything beyond these characters for a regular expression.
        origins=each(matching(r"[A-Za-z0-9.:/-]+")),
        methods=each(METHOD),
        headers=each(HEADER),
        exposed_headers=each(HEADER),
        credentials=a(bool),
        max_age=between(0, 86400),
        preflight_continue=only(False),
    ),
    "jwt": fields(
        key_claim_name=only("sub"),
        claims_to_verify=only(["exp"]),
        header_names=only(["authorization"]),
        uri_param_names=only([]),
        cookie_names=only([]),
        secret_is_base64=only(False),
        run_on_preflight=only(False),
    ),
    "rate-limiting": _RATE_LIMITING,
}

_REQUEST_TRANSFORMER = fields(
    remove=fields(headers=each(HEADER)),
    add=Optional(fields(headers=each(matching(r"[A-Za-z0-9-]+:[A-Za-z0-9.-]+")))),
)

_ROUTE = fields(
    name=NAME,
    # As a regular expression that ends: a plain path would be a prefix, of /searching too.
    paths=each(matching(r"~/.*\$"), at_least=1),
    methods=each(METHOD, at_least=1),
    strip_path=only(False),
    preserve_host=only(True),
    request_buffering=only(False),
    response_buffering=only(False),
)

_SERVICE = fields(
    name=NAME,
    host=NAME,
    port=a(int),  # Kong does not use it where the host is an upstream
    protocol=only("http"),
    retries=between(0, 10),
    connect_timeout=MILLISECONDS,
    read_timeout=MILLISECONDS,
    write_timeout=MILLISECONDS,
    routes=each(_ROUTE, unique="name"),
    plugins=each(fields(name=only("request-transformer"), config=_REQUEST_TRANSFORMER), unique="name", at_least=1),
)

_UNHEALTHY = fields(
    interval=SECONDS,
    http_failures=COUNT,
    tcp_failures=COUNT,
    timeouts=COUNT,
    http_statuses=only([500, 501, 502, 503, 504, 505]),
)

_UPSTREAM = fields(
    name=NAME,
    algorithm=only("round-robin"),
    healthchecks=fields(
        active=fields(
            type=only("http"),
            http_path=matching(r"/\S*"),
            timeout=SECONDS,
            healthy=fields(interval=SECONDS, successes=COUNT, http_statuses=only([200])),
            unhealthy=_UNHEALTHY,
        )
    ),
    targets=each(fields(target=matching(r"[A-Za-z0-9.-]+:\d+"), weight=between(0, 65535)), unique="target", at_least=1),
)

_CONSUMER = fields(
    username=NAME,
    jwt_secrets=each(fields(key=NAME, algorithm=only("HS256"), secret=a(str)), unique="key", at_least=1),
    plugins=Optional(each(fields(name=only("rate-limiting"), config=_RATE_LIMITING), unique="name")),
)

_KONG = fields(
    _format_version=only("3.0"),
    upstreams=each(_UPSTREAM, unique="name"),
    services=each(_SERVICE, unique="name"),
    plugins=each(fields(name=only(*_PLUGINS), config=a(dict)), unique="name"),
    consumers=each(_CONSUMER, unique="username", at_least=1),
)


def check(kong: Mapping[str, Any]) -> None:
    """Raise UnsupportedError, naming the key, for what the Envoy rendering would not honour."""
    _KONG("", kong)
    _check_plugins(kong)
    _check_upstreams(kong)
    _check_services(kong)
    _check_consumers(kong)


def _check_plugins(kong: Mapping[str, Any]) -> None:
    for index, plugin in enumerate(kong["plugins"]):
        _PLUGINS[plugin["name"]](f"plugins[{index}].config", plugin["config"])
    for name in _PLUGINS.keys() - {plugin["name"] for plugin in kong["plugins"]}:
        raise UnsupportedError(f"plugins: {name!r} is missing; the rendering counts on it")


def _check_upstreams(kong: Mapping[str, Any]) -> None:
    for index, upstream in enumerate(kong["upstreams"]):
        where = f"upstreams[{index}]"
        unhealthy = upstream["healthchecks"]["active"]["unhealthy"]
        if len({unhealthy[key] for key in ("http_failures", "tcp_failures", "timeouts")}) > 1:
            raise UnsupportedError(f"{where}.healthchecks.active.unhealthy: Envoy counts all failures as one")
        if not any(target["weight"] for target in upstream["targets"]):
            raise UnsupportedError(f"{where}.targets: all weights are 0; Envoy needs one that is not")


def _check_services(kong: Mapping[str, Any]) -> None:
    upstreams = {upstream["name"] for upstream in kong["upstreams"]}
    connect: dict[str, int] = {}
    hidden = [plugin["config"]["remove"] for service in kong["services"] for plugin in service["plugins"]]
    for index, service in enumerate(kong["services"]):
        where, host, timeout = f"services[{index}]", service["host"], service["connect_timeout"]
        if hidden[index] != hidden[0]:
            raise UnsupportedError(f"{where}.plugins: removes other headers than another service")
        if host not in upstreams:
            raise UnsupportedError(f"{where}.host: {host!r} is not an upstream")
        if service["write_timeout"] != service["read_timeout"]:
            raise UnsupportedError(f"{where}.write_timeout: Envoy has one timeout for silence both ways")
        if connect.setdefault(host, timeout) != timeout:
            raise UnsupportedError(f"{where}.connect_timeout: differs from another service's on {host!r}")


def _check_consumers(kong: Mapping[str, Any]) -> None:
    for index, consumer in enumerate(kong["consumers"]):
        for at, secret in enumerate(consumer["jwt_secrets"]):
            if secret["key"] not in {consumer["username"], other_key(consumer["username"])}:
                where = f"consumers[{index}].jwt_secrets[{at}].key"
                raise UnsupportedError(f"{where}: must be the username, which Envoy takes from the token, or its other")
