"""The Pulumi program under mocks: every component becomes one resource, in the topology's order."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


def deploy_under_mocks() -> tuple[Recorded, dict[str, Any]]:
    recorded = Recorded()
    outputs: dict[str, Any] = {}
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(recorded, project="breakwater", stack="test", preview=False)

    def run() -> pulumi.Output[dict[str, str]]:
        outputs.update(deploy(topology(100), settings(portOffset=100), {"interServiceSecret": "introduce"}))
        secrets: pulumi.Output[dict[str, str]] = outputs["secrets"]
        return secrets

    pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]  # the SDK has no types for it
    return recorded, outputs


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Recorded, dict[str, Any]]]:
    """In a thread and with event loops of its own: Pulumi makes one for each of its threads and closes none."""
    loops: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def make_and_note() -> asyncio.AbstractEventLoop:
        loops.append(make())
        return loops[-1]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        patch.setattr(asyncio, "new_event_loop", make_and_note)
        patch.setattr(
            programs, "find", lambda name, **_: Implementation("real", name, "1.0", f"/opt/{name}/bin/{name}")
        )
        yield thread.submit(deploy_under_mocks).result()
    for loop in loops:
        loop.close()


def test_every_component_is_one_resource(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    kinds = {r.name: r.typ.rpartition(":")[2] for r in deployed[0].resources if not r.typ.endswith("Secret")}
    expected = {c.name: "Job" if c.health.kind == "completed" else "Process" for c in topology().components}
    assert kinds == expected | {"supervisor": "Supervisor"}


def test_the_secrets_are_one_for_the_database_one_between_services_one_for_each_consumer(
    deployed: tuple[Recorded, dict[str, Any]],
) -> None:
    names = {r.name for r in deployed[0].resources if r.typ.endswith("Secret")}
    assert names == {"databasePassword", "interServiceSecret", "jwtSecret-app"}


def test_a_step_reaches_the_secret_that_it_is_for_and_no_other(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    steps = {r.name: r.inputs.get("step") for r in deployed[0].resources if r.typ.endswith("Secret")}
    assert steps == {"databasePassword": None, "interServiceSecret": "introduce", "jwtSecret-app": None}


def test_the_outputs_say_where_everything_listens(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    outputs = deployed[1]
    assert outputs["gateway"] == "http://127.0.0.1:8100"
    assert outputs["ports"]["qdrant-2/http"] == 6435
    assert outputs["consumers"] == ["app"]


def test_a_components_health_check_is_that_of_the_topology(deployed: tuple[Recorded, dict[str, Any]]) -> None:
    (redis,) = [r for r in deployed[0].resources if r.name == "redis"]
    assert redis.inputs["health"] == {"kind": "redis", "port": "6480", "path": "/", "startSeconds": "30"}
