from typing import Any

import pytest
import yaml

from infra.gateway.kong import GatewaySettings, RateLimit, kong_config, to_yaml
from infra.topology import topology


def test_a_route_is_a_service_with_its_own_timeouts(kong: dict[str, Any]) -> None:
    (question,) = (service for service in kong["services"] if service["name"] == "question")
    assert question == {
        "name": "question",
        "host": "query",
        "port": 80,
        "protocol": "http",
        "retries": 1,
        "connect_timeout": 2000,
        "read_timeout": 300_000,
        "write_timeout": 300_000,
        "routes": [
            {
                "name": "question",
                "paths": ["~/api/v1/rag/query$", "~/query$"],
                "methods": ["POST", "OPTIONS"],
                "strip_path": False,
                "preserve_host": True,
                "request_buffering": False,
                "response_buffering": False,
            }
        ],
        "plugins": [
            {
                "name": "request-transformer",
                "config": {
                    "remove": {"headers": ["Authorization", "X-Service-Token"]},
                    "add": {"headers": ["X-Request-Deadline:290000"]},
                },
            }
        ],
    }


def test_the_services_budget_is_shorter_than_the_gateways_patience_except_for_events(kong: dict[str, Any]) -> None:
    budgets = {s["name"]: s["plugins"][0]["config"].get("add", {"headers": [":0"]}) for s in kong["services"]}
    for service in kong["services"]:
        budget = int(budgets[service["name"]]["headers"][0].partition(":")[2])
        assert 0 <= budget < service["read_timeout"]
        assert (budget == 0) == (service["name"] == "job-events")


def test_a_consumers_other_secret_is_a_credential_with_a_key_that_no_consumer_can_have() -> None:
    config = kong_config(topology(), lambda _c, _d: "h:1", GatewaySettings({"app": "a" * 32}, others={"app": "b" * 32}))
    credentials = config["consumers"][0]["jwt_secrets"]
    assert [(c["key"], c["secret"]) for c in credentials] == [("app", "a" * 32), ("app-other", "b" * 32)]


def test_each_service_is_an_upstream_at_the_address_of_the_gateways_edge(kong: dict[str, Any]) -> None:
    targets = {upstream["name"]: upstream["targets"] for upstream in kong["upstreams"]}
    assert targets == {
        "query": [{"target": "127.0.0.1:21050", "weight": 100}],
        "rag-service": [{"target": "127.0.0.1:21051", "weight": 100}],
        "collections": [{"target": "127.0.0.1:21052", "weight": 100}],
        "ingestion": [{"target": "127.0.0.1:21053", "weight": 100}],
    }


def test_health_is_what_the_checks_ask_for_so_that_a_lost_dependency_takes_no_service_out(
    kong: dict[str, Any],
) -> None:
    checks = [upstream["healthchecks"]["active"] for upstream in kong["upstreams"]]
    assert {check["http_path"] for check in checks} == {"/health"}
    assert all(check["unhealthy"]["tcp_failures"] and check["healthy"]["interval"] for check in checks)


def test_a_consumer_signs_with_its_own_secret_and_may_have_its_own_limit(kong: dict[str, Any]) -> None:
    assert kong["consumers"] == [
        {"username": "app", "jwt_secrets": [{"key": "app", "algorithm": "HS256", "secret": "a" * 32}]},
        {
            "username": "load",
            "jwt_secrets": [{"key": "load", "algorithm": "HS256", "secret": "b" * 32}],
            "plugins": [
                {
                    "name": "rate-limiting",
                    "config": {"minute": 60000, "hour": 1000000, "policy": "local", "limit_by": "consumer"},
                }
            ],
        },
    ]


def test_settings_reach_the_plugins() -> None:
    settings = GatewaySettings({"app": "s"}, RateLimit(3, 4), cors_origins=("http://other:1",))
    kong = kong_config(topology(), lambda _c, _d: "h:1", settings)
    plugins = {plugin["name"]: plugin["config"] for plugin in kong["plugins"]}
    assert plugins["rate-limiting"] == {"minute": 3, "hour": 4, "policy": "local", "limit_by": "consumer"}
    assert plugins["cors"]["origins"] == ["http://other:1"]


def test_an_hours_limit_below_a_minutes_is_refused_as_kong_would() -> None:
    with pytest.raises(ValueError, match="of an hour is 5, below that of a minute, 6"):
        RateLimit(minute=6, hour=5)


def test_without_legacy_routes_every_path_is_versioned() -> None:
    settings = GatewaySettings({"app": "s"}, legacy_routes=False)
    kong = kong_config(topology(), lambda _c, _d: "h:1", settings)
    paths = [path for service in kong["services"] for path in service["routes"][0]["paths"]]
    assert paths
    assert all(path.startswith("~/api/v1/") for path in paths)


def test_the_file_reads_back_as_written_and_repeats_itself_nowhere(kong: dict[str, Any]) -> None:
    text = to_yaml(kong)
    assert yaml.safe_load(text) == kong
    assert "&id" not in text  # an alias is valid YAML that people read badly


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "hush" not in repr(GatewaySettings({"app": "hush"}))


def test_a_services_requests_are_shared_by_its_two_releases_in_percent() -> None:
    shape = topology(candidates=True)
    settings = GatewaySettings({"app": "a" * 32}, weights={"query": 10, "ingestion": 100})
    config = kong_config(shape, lambda _, name: f"{name}:1", settings)
    shares = {one["name"]: {t["target"]: t["weight"] for t in one["targets"]} for one in config["upstreams"]}
    assert shares == {
        "query": {"query:1": 90, "query-next:1": 10},
        "rag-service": {"rag-service:1": 100, "rag-service-next:1": 0},
        "collections": {"collections:1": 100, "collections-next:1": 0},
        "ingestion": {"ingestion:1": 0, "ingestion-next:1": 100},
    }


def test_a_page_of_another_origin_may_read_which_release_answered(kong: dict[str, Any]) -> None:
    (cors,) = (plugin["config"] for plugin in kong["plugins"] if plugin["name"] == "cors")
    assert "X-Release" in cors["exposed_headers"]
