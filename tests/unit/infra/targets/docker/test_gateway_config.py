"""The gateway's configuration against a Kong's admin API on a real socket."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from infra.gateway.kong import configuration_hash
from infra.targets.docker import gateway_config
from infra.targets.docker.engine import COMPONENT_LABEL, STACK_LABEL
from infra.targets.docker.gateway_config import GatewayConfigProvider, GatewayError
from tests.unit.infra.targets.docker.fake import Engine, outs


def config(host: str = "query-1") -> str:
    return yaml.safe_dump({"upstreams": [{"name": "query", "targets": [{"target": f"{host}:8202", "weight": 100}]}]})


@dataclass
class Kong:
    """What it goes by, and how it answers what is posted: these statuses first."""

    hash: str = "0" * 32
    targets: dict[str, list[str]] = field(default_factory=dict)
    posted: int = 0
    refusals: list[int] = field(default_factory=list)
    health: list[str] = field(default_factory=list)  # of a target at the next looks; then HEALTHY

    def post(self, text: str) -> tuple[int, Any]:
        self.posted += 1
        if self.refusals:
            return self.refusals.pop(0), {"message": "in 'consumers': unknown field", "flattened_errors": text}
        self.hash = configuration_hash(text)
        upstreams = yaml.safe_load(text)["upstreams"]
        self.targets = {one["name"]: [target["target"] for target in one["targets"]] for one in upstreams}
        return 201, {}

    def get(self, path: str) -> tuple[int, Any]:
        if path == "/status":
            return 200, {"configuration_hash": self.hash}
        health = self.health.pop(0) if self.health else "HEALTHY"
        return 200, {"data": [{"target": one, "health": health} for one in self.targets[path.split("/")[2]]]}


@pytest.fixture
def kong() -> Kong:
    return Kong()


@pytest.fixture
def admin(kong: Kong, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*kong.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert self.path == "/config?check_hash=1"
            self._answer(*kong.post(parse_qs(body)["config"][0]))

        def _answer(self, status: int, answer: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None: ...

    monkeypatch.setattr(gateway_config, "POLL_S", 0.001)
    monkeypatch.setattr(gateway_config, "LOOKS", 3)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(gateway_config, "engine", made.connected)
    return made


def props(admin: str, host: str = "query-1") -> dict[str, Any]:
    given = {"stack": "test", "volume": "breakwater-test-kong-config", "config": config(host)}
    return {**given, "dockerHost": "", "image": "breakwater/jobs:1", "admin": admin}


def run_kong(engine: Engine, health: str = "healthy", status: str = "running") -> None:
    made = engine.create("kong", [], labels={STACK_LABEL: "test", COMPONENT_LABEL: "kong"})
    made.started, made.status, made.health = True, status, [health]


def test_before_there_is_a_kong_its_volume_has_the_configuration(admin: str, kong: Kong, engine: Engine) -> None:
    made = outs(GatewayConfigProvider().create(props(admin)))
    assert engine.volumes == {"breakwater-test-kong-config": {"kong.yml": config()}}
    assert not engine.there
    assert not engine.ran
    assert kong.posted == 0
    assert not GatewayConfigProvider().diff("", made, props(admin)).changes


def test_a_new_container_is_in_rotation_and_in_the_volume_when_it_returns(
    admin: str, kong: Kong, engine: Engine
) -> None:
    run_kong(engine)
    kong.health = ["DNS_ERROR", "HEALTHY", "UNHEALTHY"]  # each worker finds out for itself
    provider = GatewayConfigProvider()
    assert provider.diff("", {**props(admin), "inForce": True}, props(admin, "query-2")).changes
    provider.update("", props(admin), props(admin, "query-2"))
    assert kong.targets == {"query": ["query-2:8202"]}
    assert kong.health == []
    assert engine.volumes["breakwater-test-kong-config"]["kong.yml"] == config("query-2")


def test_a_kong_that_goes_by_another_configuration_is_seen_and_put_right(
    admin: str, kong: Kong, engine: Engine
) -> None:
    run_kong(engine)
    provider = GatewayConfigProvider()
    made = outs(provider.create(props(admin)))
    assert outs(provider.read("id", made))["inForce"]
    kong.post(config("by-hand"))
    seen = outs(provider.read("id", made))
    assert provider.diff("", seen, props(admin)).changes
    provider.update("", seen, props(admin))
    assert kong.hash == configuration_hash(config())


def test_what_is_loading_another_one_is_waited_for(admin: str, kong: Kong, engine: Engine) -> None:
    run_kong(engine)
    kong.refusals = [429, 500]
    GatewayConfigProvider().create(props(admin))
    assert kong.posted == 3


def test_what_kong_refuses_is_said_without_the_configuration(admin: str, kong: Kong, engine: Engine) -> None:
    run_kong(engine)
    kong.refusals = [400]
    with pytest.raises(GatewayError, match="refuses the configuration: 400: in 'consumers': unknown field") as failure:
        GatewayConfigProvider().create(props(admin))
    assert "8202" not in str(failure.value)


def test_a_target_that_is_not_in_rotation_in_time_is_said(
    admin: str, kong: Kong, monkeypatch: pytest.MonkeyPatch
) -> None:
    kong.post(config())
    kong.health = ["UNHEALTHY"] * 1000
    with pytest.raises(GatewayError, match=r"after 0\.05 s: query has nothing in rotation"):
        gateway_config.post(admin, config(), deadline_s=0.05)


def test_a_kong_that_does_not_answer_goes_by_nothing() -> None:
    assert gateway_config.in_force("http://127.0.0.1:9") == ""


def test_a_kong_that_is_not_well_gets_it_too_which_may_be_all_that_it_lacks(
    admin: str, kong: Kong, engine: Engine
) -> None:
    run_kong(engine, "unhealthy")
    GatewayConfigProvider().create(props(admin))
    assert kong.hash == configuration_hash(config())


@pytest.mark.parametrize(("health", "status"), [("unhealthy", "running"), ("unhealthy", "restarting")])
def test_one_that_is_broken_is_not_in_the_way_of_its_own_repair(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, health: str, status: str
) -> None:
    monkeypatch.setattr(gateway_config, "RECOVER_S", 0.01)
    monkeypatch.setattr(gateway_config, "POLL_S", 0.001)
    run_kong(engine, health, status)
    GatewayConfigProvider().create(props("http://127.0.0.1:9"))
    assert engine.volumes["breakwater-test-kong-config"]["kong.yml"] == config()


def test_a_healthy_one_that_does_not_take_it_fails_the_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_config, "POLL_S", 0.001)
    monkeypatch.setattr(gateway_config, "post", partial(gateway_config.post, deadline_s=0.01))
    run_kong(engine)
    with pytest.raises(GatewayError, match="does not go by its configuration"):
        GatewayConfigProvider().create(props("http://127.0.0.1:9"))
