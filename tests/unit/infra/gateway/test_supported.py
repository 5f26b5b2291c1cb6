import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.gateway.envoy import UnsupportedError
from infra.gateway.envoy.supported import check

Path = tuple[str | int, ...]


def containers(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every mapping and list of a document, with its path."""
    if isinstance(value, dict | list):
        yield path, value
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from containers(item, (*path, key))


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def written(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def test_the_projects_own_configuration_is_supported(kong: dict[str, Any]) -> None:
    check(kong)


def test_an_unknown_key_anywhere_is_named(kong: dict[str, Any]) -> None:
    mappings = [path for path, value in containers(kong) if isinstance(value, dict)]
    for path in mappings:
        document = copy.deepcopy(kong)
        at(document, path)["surprise"] = 1
        with pytest.raises(UnsupportedError, match=re.escape(written((*path, "surprise")) + ":")):
            check(document)
    assert len(mappings) > 30


def test_a_key_left_to_kongs_default_is_named(kong: dict[str, Any]) -> None:
    optional = {"plugins", "minute", "hour", "add"}  # a service's own plugins are not
    for path, value in containers(kong):
        for key in value if isinstance(value, dict) else ():
            if not path or (key not in optional and path[-1] != "add") or (path[0], key) == ("services", "plugins"):
                document = copy.deepcopy(kong)
                del at(document, path)[key]
                with pytest.raises(UnsupportedError, match=re.escape(written((*path, key)) + ":")):
                    check(document)


def test_a_value_of_another_kind_is_named(kong: dict[str, Any]) -> None:
    for path, value in containers(kong):
        for key in value if isinstance(value, dict) else ():
            document = copy.deepcopy(kong)
            at(document, path)[key] = None
            with pytest.raises(UnsupportedError, match=re.escape(written((*path, key)) + ":")):
                check(document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("_format_version",), "2.1", "_format_version: '2.1'; Envoy can do '3.0'"),
        (("upstreams", 0, "algorithm"), "least-connections", "upstreams[0].algorithm"),
        (("upstreams", 0, "targets", 0, "weight"), 0, "upstreams[0].targets: all weights are 0"),
        (("upstreams", 0, "targets", 0, "target"), "nowhere", "upstreams[0].targets[0].target"),
        (
            ("services", 1, "plugins", 0, "config", "remove", "headers"),
            ["Cookie"],
            "services[1].plugins: removes other",
        ),
        (("upstreams", 1, "name"), "query", "upstreams[1].name: 'query' is there twice"),
        (
            ("upstreams", 0, "healthchecks", "active", "unhealthy", "timeouts"),
            9,
            "upstreams[0].healthchecks.active.unhealthy: Envoy counts all failures as one",
        ),
        (("services", 0, "host"), "elsewhere", "services[0].host: 'elsewhere' is not an upstream"),
        (("services", 0, "protocol"), "grpc", "services[0].protocol"),
        (("services", 0, "write_timeout"), 1, "services[0].write_timeout"),
        (("services", 1, "connect_timeout"), 1, "services[1].connect_timeout"),
        (("services", 0, "routes", 0, "paths", 0), "/search", "services[0].routes[0].paths[0]"),
        (("services", 0, "routes", 0, "strip_path"), True, "services[0].routes[0].strip_path: True"),
        (("services", 0, "routes", 0, "methods", 0), "BREW", "services[0].routes[0].methods[0]"),
        (("plugins", 0, "name"), "acl", "plugins[0].name"),
        (("plugins", 1, "config", "origins"), ["*"], "plugins[1].config.origins[0]"),
        (("plugins", 2, "config", "key_claim_name"), "iss", "plugins[2].config.key_claim_name"),
        (("plugins", 2, "config", "uri_param_names"), ["jwt"], "plugins[2].config.uri_param_names"),
        (("plugins", 3, "config", "policy"), "redis", "plugins[3].config.policy: 'redis'"),
        (("plugins", 3, "config", "limit_by"), "ip", "plugins[3].config.limit_by: 'ip'"),
        (("consumers",), [], "consumers: has 0 items"),
        (("consumers", 0, "jwt_secrets", 0, "algorithm"), "RS256", "consumers[0].jwt_secrets[0].algorithm"),
        (("consumers", 0, "jwt_secrets", 0, "key"), "load", "consumers[0].jwt_secrets[0].key: must be"),
        (("consumers", 0, "username"), "../app", "consumers[0].username"),
    ],
)
def test_what_envoy_cannot_do_is_named(kong: dict[str, Any], path: Path, value: Any, message: str) -> None:
    at(kong, path[:-1])[path[-1]] = value
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        check(kong)


def test_a_missing_plugin_is_named(kong: dict[str, Any]) -> None:
    kong["plugins"] = [plugin for plugin in kong["plugins"] if plugin["name"] != "jwt"]
    with pytest.raises(UnsupportedError, match="'jwt' is missing"):
        check(kong)
