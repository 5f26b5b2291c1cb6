import os
import socket
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from conformance import targets
from conformance.check import NonconformingError, NotApplicableError
from conformance.targets import docker as docker_target
from infra.targets.local import supervisor
from tests.unit.conformance.conftest import outputs

LOCAL = outputs({})
DOCKER = LOCAL | {"target": "docker"}


class Container:
    """One of Docker's containers that is healthy after some looks, or never."""

    def __init__(self, *statuses: str, ports: dict[str, Any] | None = None) -> None:
        self.statuses, self.restarts = list(statuses), 0
        self.attrs: dict[str, Any] = {"State": {"Running": True}, "NetworkSettings": {"Ports": ports or {}}}

    def restart(self, *, timeout: int) -> None:
        assert timeout > 0
        self.restarts += 1

    def reload(self) -> None:
        if self.statuses:
            self.attrs["State"]["Health"] = {"Status": self.statuses.pop(0)}


class Engine:
    """A Docker engine with these containers."""

    def __init__(self, *containers: Container) -> None:
        self.found, self.filters = list(containers), dict[str, Any]()
        self.containers = self
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def list(self, filters: dict[str, Any]) -> list[Container]:
        self.filters = filters
        return self.found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_target, "POLL_S", 0.001)


def test_a_container_is_restarted_by_its_engine_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container("starting", "starting", "healthy")
    engine = Engine(container)
    monkeypatch.setattr(docker, "from_env", lambda: engine)
    targets.restart(DOCKER, "redis")
    assert (container.restarts, container.statuses) == (1, [])
    assert engine.filters == {"label": ["breakwater.stack=test", "breakwater.component=redis"]}
    assert engine.closed


def test_a_container_without_a_health_check_has_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container()
    monkeypatch.setattr(docker, "from_env", lambda: Engine(container))
    targets.restart(DOCKER, "redis")
    assert container.restarts == 1


def test_a_container_that_is_missing_or_stays_ill_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_target, "HEALTHY_S", 0.01)
    monkeypatch.setattr(docker, "from_env", lambda: Engine(Container(*["unhealthy"] * 1000)))
    with pytest.raises(NonconformingError, match="redis is unhealthy"):
        targets.restart(DOCKER, "redis")
    monkeypatch.setattr(docker, "from_env", Engine)
    with pytest.raises(NonconformingError, match="no container has the labels of redis"):
        targets.restart(DOCKER, "redis")


def test_what_docker_publishes_is_what_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {
        "8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8000"}, {"HostIp": "::", "HostPort": "8000"}],
        "8001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8001"}],
        "8443/tcp": None,
    }
    monkeypatch.setattr(docker, "from_env", lambda: Engine(Container(ports=ports)))
    assert targets.listening(DOCKER) == {("0.0.0.0", 8000), ("127.0.0.1", 8001)}


def test_without_an_engine_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Engine:
        raise DockerException("connection refused")

    monkeypatch.setattr(docker, "from_env", absent)
    with pytest.raises(NotApplicableError, match="no Docker engine can be asked from here"):
        targets.listening(DOCKER)


def test_a_process_is_stopped_and_started_by_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(supervisor, "call", lambda _, *asked: calls.append(asked))
    targets.restart(LOCAL, "redis")
    assert calls == [("stopProcess", "redis"), ("startProcess", "redis")]


def test_a_process_is_started_again_when_the_stop_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def call(_: object, method: str, *_more: object) -> None:
        calls.append(method)
        if method == "stopProcess":
            raise KeyboardInterrupt

    monkeypatch.setattr(supervisor, "call", call)
    with pytest.raises(KeyboardInterrupt):
        targets.restart(LOCAL, "redis")
    assert calls == ["stopProcess", "startProcess"]


def test_a_supervisor_that_is_not_there_is_told() -> None:
    with pytest.raises(NonconformingError, match="the supervisor does not restart redis"):
        targets.restart(LOCAL, "redis")


def test_what_the_supervisors_processes_listen_on_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(supervisor, "pids", lambda _: {"redis": os.getpid(), "gone": 2**22 - 1})
        assert ("127.0.0.1", listener.getsockname()[1]) in targets.listening(LOCAL)
