"""The Pulumi program under mocks: every component becomes one resource, in the topology's order."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from infra.targets.local import programs
from infra.targets.local.deploy import deploy
from infra.targets.local.implementations import Implementation
from infra.topology import topology
from tests.settings import settings


class Recorded(mocks.Mocks):
    def __init__(self) -> None:
        self.resources: list[mocks.MockResourceArgs] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.append(args)
        secret = {"value": "s" * 43} if args.typ.endswith("Secret") else {}
        return f"{args.name}-id", {**args.inputs, **secret}

    def call(self, args: mocks.MockCallArgs) -> dict[Any, Any]:
        return {}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> tuple[Recorded, dict[str, Any]]:
    monkeypatch.setattr(
        programs, "find", lambda name, *, use_path: Implementation("real", name, "1.0", f"/opt/{name}/bin/{name}")
    )
    recorded = Recorded()
    pulumi.runtime.set_mocks(recorded, project="breakwater", stack="test", preview=False)
    outputs: dict[str, Any] = {}

    @pulumi.runtime.test
    def run() -> pulumi.Output[Any]:
        outputs.update(deploy(topology(100), settings(portOffset=100)))
        return outputs["secrets"]

    run()
    return recorded, outputs


def test_every_component_is_one_resource(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    kinds = {r.name: r.typ.rpartition(":")[2] for r in deployed[0].resources if not r.typ.endswith("Secret")}
    expected = {c.name: "Job" if c.health.kind == "completed" else "Process" for c in topology().components}
    assert kinds == expected | {"supervisor": "Supervisor"}


def test_the_secrets_are_one_for_the_database_one_between_services_one_for_each_consumer(
    deployed: tuple[Recorded, dict[str, Any]],
) -> None:
    names = {r.name for r in deployed[0].resources if r.typ.endswith("Secret")}
    assert names == {"databasePassword", "interServiceSecret", "jwtSecret-app"}


def test_the_outputs_say_where_everything_listens(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    outputs = deployed[1]
    assert outputs["gateway"] == "http://127.0.0.1:8100"
    assert outputs["ports"]["qdrant-2/http"] == 6435
    assert outputs["consumers"] == ["app"]


def test_a_components_health_check_is_that_of_the_topology(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    (redis,) = [r for r in deployed[0].resources if r.name == "redis"]
    assert redis.inputs["health"] == {"kind": "redis", "port": "6480", "path": "/", "startSeconds": "30"}
