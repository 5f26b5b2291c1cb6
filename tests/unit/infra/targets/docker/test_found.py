from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.drift.components import drifts
from infra.manifest import Deployed, Manifest, Published
from infra.targets.docker.found import found
from infra.topology import Limits

IMAGE = "breakwater/query:1.0@sha256:abc"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
WANTED = Deployed(
    "query",
    IMAGE,
    ("redis-server", "/etc/breakwater/redis.conf"),
    "stop-first",
    environment={"COLOUR": "blue", "LANG": "C.UTF-8"},
    files={"/etc/breakwater/redis.conf": "digest"},
    limits=Limits(512, 0.25),
    health=("CMD", "redis-cli", "ping"),
    ports=(Published("127.0.0.1", 6380, 6379),),
    networks=("internal", "edge"),
    volumes={"/data": "redis-data", "/docs": "/srv/docs"},
    user="999:999",
    read_only=True,
)
JOB = Deployed("migrations", IMAGE, (), "run")
MANIFEST = Manifest("s", "docker", (WANTED, JOB), (3, 2))
OWN = {"Config": {"Env": ["PATH=/bin", "LANG=C.UTF-8"], "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["redis"]}}
CONTAINER: dict[str, Any] = {
    "Name": "/breakwater-s-query-1a2b",
    "Image": "sha256:1",
    "RestartCount": 0,
    "State": {
        "Status": "running",
        "Running": True,
        "ExitCode": 0,
        "StartedAt": "2026-01-01T11:00:00.123456789Z",
        "Health": {"Status": "healthy"},
    },
    "Config": {
        "Image": IMAGE,
        "User": "999:999",
        "Env": ["COLOUR=blue", "PATH=/bin", "LANG=C.UTF-8"],
        "Entrypoint": ["redis-server"],
        "Cmd": ["/etc/breakwater/redis.conf"],
        "Healthcheck": {"Test": ["CMD", "redis-cli", "ping"]},
        "Labels": {"breakwater.stack": "s", "breakwater.component": "query"},
    },
    "HostConfig": {
        "Memory": 512 * 1024 * 1024,
        "NanoCpus": 250_000_000,
        "PortBindings": {"6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "6380"}]},
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "RestartPolicy": {"Name": "unless-stopped"},
    },
    "Mounts": [
        {"Type": "volume", "Name": "breakwater-s-redis-data", "Destination": "/data"},
        {"Type": "volume", "Name": "0" * 64, "Destination": "/etc/breakwater"},
        {"Type": "bind", "Source": "/srv/docs", "Destination": "/docs"},
    ],
    "NetworkSettings": {"Networks": {"breakwater-s-edge": {}, "breakwater-s-internal": {}}},
}


def told(*documents: dict[str, Any], digest: str = "digest") -> list[tuple[str, str, str]]:
    there = found(
        MANIFEST,
        documents,
        lambda _document, wanted: (dict.fromkeys(wanted.files, digest), {}),
        {"sha256:1": OWN},
        NOW,
    )
    return [drift.place for drift in drifts(MANIFEST, there)]


def with_changes(*path: str, value: Any) -> dict[str, Any]:
    document = deepcopy(CONTAINER)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


def test_a_container_as_it_is_to_be_does_not_drift() -> None:
    assert told(CONTAINER) == []


def test_a_command_that_is_the_images_own_is_not_stated() -> None:
    wanted = replace(WANTED, command=())
    manifest = Manifest("s", "docker", (wanted,), (3, 2))
    own = with_changes("Config", "Entrypoint", value=["docker-entrypoint.sh"])
    own["Config"]["Cmd"] = ["redis"]
    there = found(manifest, [own], lambda _d, w: (w.files, {}), {"sha256:1": OWN}, NOW)
    assert drifts(manifest, there) == []


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("Config", "Image"), "breakwater/query:0.9", ("version", "")),
        (("Config", "Cmd"), ["/other.conf"], ("command", "")),
        (("Config", "Env"), ["COLOUR=red", "LANG=C.UTF-8"], ("environment", "COLOUR")),
        (("Config", "Env"), ["COLOUR=blue", "MORE=1", "LANG=C.UTF-8"], ("environment", "MORE")),
        (("Config", "User"), "", ("rights", "user")),
        (("Config", "Healthcheck"), None, ("health check", "")),
        (("HostConfig", "Memory"), 1024 * 1024 * 1024, ("limits", "")),
        (("HostConfig", "NanoCpus"), 0, ("limits", "")),
        (("HostConfig", "PortBindings", "6379/tcp"), [{"HostIp": "", "HostPort": "6380"}], ("port", "")),
        (("HostConfig", "ReadonlyRootfs"), False, ("rights", "read only")),
        (("HostConfig", "Privileged"), True, ("rights", "privileged")),
        (("HostConfig", "CapAdd"), ["CAP_NET_ADMIN"], ("rights", "capabilities")),
        (("HostConfig", "CapDrop"), None, ("rights", "capabilities")),
        (("HostConfig", "RestartPolicy", "Name"), "no", ("rights", "restarts")),
        (("NetworkSettings", "Networks", "bridge"), {}, ("network", "")),
        (("Mounts",), CONTAINER["Mounts"][1:], ("volume", "/data")),
        (("State", "Status"), "paused", ("paused", "")),
        (("State", "Status"), "exited", ("stopped", "")),
        (("State", "Status"), "restarting", ("crashing", "")),
        (("State", "Health"), {"Status": "unhealthy"}, ("silent", "")),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_each_difference_of_a_container_is_named(path: tuple[str, ...], value: Any, expected: tuple[str, str]) -> None:
    assert told(with_changes(*path, value=value)) == [("query", *expected)]


def test_a_file_with_other_content_is_named() -> None:
    assert told(CONTAINER, digest="other") == [("query", "file", "/etc/breakwater/redis.conf")]


def test_a_container_crashes_that_was_restarted_often_and_lately() -> None:
    often = with_changes("RestartCount", value=3)
    assert told(often) == []
    often["State"]["StartedAt"] = "2026-01-01T11:59:30Z"
    assert told(often) == [("query", "crashing", "")]


def test_containers_too_few_and_too_many_are_named() -> None:
    stranger = with_changes("Config", "Labels", value={"breakwater.component": "stranger"})
    second = with_changes("Name", value="/second")
    assert told(stranger) == [("query", "missing", ""), ("stranger", "extra", "")]
    assert told(CONTAINER, second) == [("query", "extra", "second")]
