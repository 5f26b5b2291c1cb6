"""A stack of containers as the engine would tell of it, made from what the target wants of each."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from docker.errors import NotFound

from infra import workspace
from infra.drift.components import drifts
from infra.settings import Settings
from infra.targets.docker import stack as module
from infra.targets.docker.container import Container
from infra.targets.docker.containers import container
from infra.targets.docker.place import Place
from infra.targets.docker.stack import DockerStack
from infra.topology import topology
from tests.settings import settings

SECRETS = ("databasePassword", "interServiceSecret", "jwtSecret-app", "grafanaPassword")
STATE = {
    ("pulumi-python:dynamic/local:Secret", name): {"value": f"{name} of this stack".ljust(43), "phase": "steady"}
    for name in SECRETS
}
SECRET_VALUES = {name: (str(properties["value"]),) for (_, name), properties in STATE.items()}
IMAGE = {"Config": {"Env": ["PATH=/usr/bin"], "Entrypoint": ["/entrypoint.sh"], "Cmd": ["serve"]}}


class FakeContainer:
    """A container with the files that it was given."""

    def __init__(self, one: Container, name: str, files: dict[str, str], stack: str) -> None:
        self.id = self.name = name
        self.labels = {"breakwater.component": one.component}
        self.files = files
        self.attrs = document(one, name, stack)
        self.did: list[str] = []

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        if path not in self.files:
            raise NotFound(path)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo(path.rpartition("/")[2])
            entry.size = len(self.files[path].encode())
            tar.addfile(entry, io.BytesIO(self.files[path].encode()))
        return [buffer.getvalue()], {}

    def remove(self, *, v: bool, force: bool) -> None:
        self.did.append("removed")

    def unpause(self) -> None:
        self.did.append("unpaused")


def document(one: Container, name: str, stack: str) -> dict[str, Any]:
    """What `docker inspect` says of a container like that."""
    named = {volume.path: volume.name for volume in (*one.volumes, *one.read_volumes)}
    return {
        "Id": name,
        "Name": f"/{name}",
        "Image": "sha256:1",
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "Running": True,
            "ExitCode": 0,
            "StartedAt": "2026-01-01T11:00:00.1Z",
            "Health": {"Status": "healthy"},
        },
        "Config": {
            "Image": one.image,
            "User": one.user,
            "Env": [*(f"{key}={value}" for key, value in one.environment.items()), "PATH=/usr/bin"],
            "Entrypoint": list(one.entrypoint) or ["/entrypoint.sh"],
            "Cmd": list(one.command) or (None if one.entrypoint else ["serve"]),
            "Healthcheck": {"Test": list(one.check.command)} if one.check else None,
            "Labels": {"breakwater.stack": stack, "breakwater.component": one.component},
        },
        "HostConfig": {
            "Memory": one.limits.memory_mb * 1024 * 1024,
            "NanoCpus": round(one.limits.cpus * 1e9),
            "PortBindings": {
                f"{port.inner}/tcp": [{"HostIp": port.address, "HostPort": str(port.host)}]
                for port in reversed(one.published)
            },
            "ReadonlyRootfs": one.read_only,
            "Privileged": False,
            "CapAdd": list(one.capabilities) or None,
            "CapDrop": ["ALL"],
            "RestartPolicy": {"Name": "unless-stopped"},
        },
        "Mounts": [
            {"Type": "volume", "Name": "f" * 64, "Destination": "/etc/breakwater"},
            *({"Type": "volume", "Name": f"breakwater-{stack}-{v}", "Destination": p} for p, v in named.items()),
            *({"Type": "bind", "Source": source, "Destination": path} for path, source in one.folders.items()),
        ],
        "NetworkSettings": {"Networks": {f"breakwater-{stack}-{network}": {} for network in sorted(one.networks)}},
    }


class Engine:
    """An engine in memory with all containers of a stack."""

    def __init__(self, given: Settings) -> None:
        shape = topology(chaos=given.chaos, observability=True)
        place = Place(shape, given)
        names = {name: f"breakwater-{given.stack}-{name}-1a2b" for name in shape.by_name}
        rolled = Place(shape, given, hosts={name: at for name, at in names.items() if place.rolled(name)})
        self.containers = {}
        for name, at in names.items():
            one = container(rolled, name)
            if not one.job:
                files = one.files(SECRET_VALUES) | one.live_files(SECRET_VALUES)
                self.containers[name] = FakeContainer(one, at, files, given.stack)
        self.stack = DockerStack(place, STATE)

    @property
    def images(self) -> "Engine":
        return self

    def get(self, _identifier: str) -> "Engine":
        return self

    @property
    def attrs(self) -> dict[str, Any]:
        return IMAGE

    def told(self) -> list[tuple[str, str, str]]:
        return [drift.place for drift in drifts(self.stack.wanted, self.stack.found(), self.stack.deployed)]


@pytest.fixture(params=[True, False], ids=["chaos", "production"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(settings(target="docker", chaos=request.param))

    @contextmanager
    def connected(_docker_host: str) -> Iterator[Engine]:
        yield made

    def of_stack(client: Engine, _stack: str, _label: str, value: str = "", *, ended: bool) -> list[FakeContainer]:
        assert ended
        return [one for name, one in client.containers.items() if value in {"", name}]

    monkeypatch.setattr(module, "engine", connected)
    monkeypatch.setattr(module, "of_stack", of_stack)
    return made


def test_containers_as_they_are_wanted_do_not_drift(engine: Engine) -> None:
    assert engine.stack.is_up()
    assert engine.told() == []


def test_a_file_that_was_changed_or_is_gone_is_named(engine: Engine) -> None:
    engine.containers["redis"].files["/etc/breakwater/redis.conf"] += "\n"
    del engine.containers["timescaledb"].files["/etc/breakwater/database_password"]
    assert set(engine.told()) == {
        ("redis", "file", "/etc/breakwater/redis.conf"),
        ("timescaledb", "file", "/etc/breakwater/database_password"),
    }


def test_what_the_components_are_asked_about_is_what_their_files_say(engine: Engine) -> None:
    assert engine.stack.near
    assert not engine.stack.envoy
    assert engine.stack.redis_settings["maxmemory-policy"] == "allkeys-lru"
    assert list(engine.stack.gateway_files) == ["kong.yml"]
    assert bool(engine.stack.proxies) == ("toxiproxy" in engine.containers)


def test_an_engine_elsewhere_has_its_ports_there() -> None:
    given = settings(target="docker", dockerHost="ssh://me@machine")
    assert not DockerStack(Place(topology(), given), STATE).near


def test_what_is_too_many_is_removed_by_its_name_and_what_is_paused_goes_on(engine: Engine) -> None:
    engine.stack.remove("query", "another")
    assert engine.containers["query"].did == []
    engine.stack.remove("query", "")
    engine.stack.resume("redis")
    assert (engine.containers["query"].did, engine.containers["redis"].did) == (["removed"], ["unpaused"])


def test_a_container_is_made_again_by_a_deployment_and_a_job_runs_by_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(workspace, "ask_pulumi", lambda *arguments: asked.append(arguments))
    engine.stack.redo("redis")
    assert engine.containers["redis"].did == ["removed"]
    assert [arguments[0] for arguments in asked] == ["up"]
    ran: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "run_once", ran.append)
    state = STATE | {("pulumi-python:dynamic/docker:Job", "migrations"): {"name": "migrations"}}
    DockerStack(engine.stack.place, state).redo("migrations")
    assert ran == [{"name": "migrations"}]


def test_the_gateways_configuration_is_handed_out_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "hand_out", handed.append)
    state = STATE | {("pulumi-python:dynamic/docker:GatewayConfig", "gateway-config"): {"config": "kong.yml"}}
    DockerStack(engine.stack.place, state).rewrite("kong")
    assert handed == [{"config": "kong.yml"}]
