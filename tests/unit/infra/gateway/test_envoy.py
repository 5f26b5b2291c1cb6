import base64
import json
from typing import Any

import pytest
import yaml

from infra.gateway.envoy import UnsupportedError, render_envoy
from infra.gateway.kong import to_yaml


def render(kong: dict[str, Any]) -> dict[str, str]:
    return render_envoy(kong, listen_port=8000, admin_port=8001, directory="/run/kong")


def resource(kong: dict[str, Any], file: str) -> Any:
    return json.loads(render(kong)[file])["resources"][0]


def http_filters(kong: dict[str, Any]) -> dict[str, Any]:
    manager = resource(kong, "lds.json")["filter_chains"][0]["filters"][0]["typed_config"]
    jwt = resource(kong, "jwt.json")
    return {item["name"]: item.get("typed_config") for item in manager["http_filters"]} | {
        jwt["name"]: jwt["typed_config"]
    }


def keys_file(kong: dict[str, Any], consumer: str) -> str:
    (name,) = (name for name in render(kong) if name.startswith(f"jwks-{consumer}-"))
    return name


def test_a_route_is_rendered_exactly(kong: dict[str, Any]) -> None:
    (host,) = resource(kong, "rds.json")["virtual_hosts"]
    assert host["routes"][0] == {
        "name": "search",
        "match": {
            "safe_regex": {"regex": "/api/v1/rag/search"},
            "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|OPTIONS"}}}],
        },
        "request_headers_to_add": [
            {"header": {"key": "X-Request-Deadline", "value": "10000"}, "append_action": "ADD_IF_ABSENT"}
        ],
        "route": {
            "weighted_clusters": {"clusters": [{"name": "query@127_0_0_1:21050", "weight": 100}]},
            "timeout": "0s",
            "idle_timeout": "15s",
            "retry_policy": {"retry_on": "connect-failure,reset-before-request", "num_retries": 1},
        },
    }


def test_the_filters_run_in_kongs_order(kong: dict[str, Any]) -> None:
    assert list(http_filters(kong)) == [
        "forged",
        "envoy.filters.http.cors",
        "envoy.filters.http.jwt_authn",
        "rate-limit-minute-headers",
        "rate-limit-minute",
        "rate-limit-hour-headers",
        "rate-limit-hour",
        "rate-limit-load-minute-headers",
        "rate-limit-load-minute",
        "rate-limit-load-hour-headers",
        "rate-limit-load-hour",
        "hidden",
        "envoy.filters.http.router",
    ]


def test_a_consumer_has_a_bucket_for_each_window_of_its_own_plan(kong: dict[str, Any]) -> None:
    filters = http_filters(kong)
    assert filters["rate-limit-minute"]["descriptors"] == [
        {
            "entries": [{"key": "consumer", "value": "app"}],
            "token_bucket": {"max_tokens": 100, "tokens_per_fill": 100, "fill_interval": "60s"},
        }
    ]
    assert filters["rate-limit-load-hour"]["descriptors"] == [
        {
            "entries": [{"key": "consumer", "value": "load"}],
            "token_bucket": {"max_tokens": 1000000, "tokens_per_fill": 1000000, "fill_interval": "3600s"},
        }
    ]


def test_where_all_consumers_have_their_own_limit_the_common_one_is_left_out(kong: dict[str, Any]) -> None:
    kong["consumers"] = kong["consumers"][1:]
    limits = [name for name in http_filters(kong) if name.startswith("rate-limit")]
    assert limits
    assert all(name.startswith("rate-limit-load") for name in limits)


def test_each_consumers_key_verifies_only_its_own_subject(kong: dict[str, Any]) -> None:
    jwt = http_filters(kong)["envoy.filters.http.jwt_authn"]
    for name in ("app", "load"):
        provider = jwt["providers"][name]
        assert provider["subjects"] == {"exact": name}
        assert provider["local_jwks"]["filename"].removeprefix("/run/kong/") == keys_file(kong, name)
        assert provider["require_expiration"] is True
        assert provider["forward"] is True  # what services see is up to kong.yml's request-transformer
    required = [{"provider_name": "app"}, {"provider_name": "load"}]
    assert jwt["requirement_map"] == {"consumer": {"requires_any": {"requirements": required}}}


def test_one_consumer_alone_is_no_choice_of_several(kong: dict[str, Any]) -> None:
    kong["consumers"] = kong["consumers"][:1]
    jwt = http_filters(kong)["envoy.filters.http.jwt_authn"]
    assert jwt["requirement_map"] == {"consumer": {"provider_name": "app"}}


def test_secrets_are_in_the_jwks_files_only(kong: dict[str, Any]) -> None:
    files = render(kong)
    encoded = base64.urlsafe_b64encode(b"a" * 32).rstrip(b"=").decode()
    holders = {name for name, text in files.items() if "a" * 32 in text or encoded in text}
    assert holders == {keys_file(kong, "app")}
    assert json.loads(files[keys_file(kong, "app")]) == {"keys": [{"kty": "oct", "alg": "HS256", "k": encoded}]}


def test_a_second_secret_is_a_second_key_and_changes_no_listener_route_or_cluster(kong: dict[str, Any]) -> None:
    before, file = render(kong), keys_file(kong, "app")
    kong["consumers"][0]["jwt_secrets"].append({"key": "app-other", "algorithm": "HS256", "secret": "c" * 32})
    after = render(kong)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"jwt.json", file, keys_file(kong, "app")}
    assert len(json.loads(after[keys_file(kong, "app")])["keys"]) == 2


def test_a_weight_changes_the_routes_file_only(kong: dict[str, Any]) -> None:
    kong["upstreams"][0]["targets"].append({"target": "127.0.0.1:9999", "weight": 0})
    before = render(kong)
    kong["upstreams"][0]["targets"][1]["weight"] = 10
    after = render(kong)
    assert {name for name in before if before[name] != after[name]} == {"rds.json"}


def test_a_drained_target_keeps_its_cluster_so_that_it_can_come_back(kong: dict[str, Any]) -> None:
    kong["upstreams"][0]["targets"].append({"target": "green.local:8202", "weight": 0})
    clusters = {c["name"]: c["type"] for c in json.loads(render(kong)["cds.json"])["resources"]}
    assert clusters["query@green_local:8202"] == "STRICT_DNS"
    assert clusters["query@127_0_0_1:21050"] == "STATIC"


def test_the_file_that_kong_reads_is_all_that_the_rendering_needs(kong: dict[str, Any]) -> None:
    assert render(yaml.safe_load(to_yaml(kong))) == render(kong)


def test_nothing_is_rendered_from_what_is_not_supported(kong: dict[str, Any]) -> None:
    kong["plugins"].append({"name": "acl", "config": {}})
    with pytest.raises(UnsupportedError, match="plugins"):
        render(kong)


def test_the_administration_interface_stays_on_this_machine(kong: dict[str, Any]) -> None:
    admin = json.loads(render(kong)["bootstrap.json"])["admin"]
    assert admin == {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 8001}}}
