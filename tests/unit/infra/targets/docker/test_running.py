from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.row import Row
from infra.targets.docker import running
from infra.targets.docker.engine import EngineError


class Found:
    def __init__(self, component: str, state: dict[str, Any], ports: dict[str, Any] | None = None) -> None:
        self.labels = {"breakwater.component": component}
        self.name = f"breakwater-test-{component}-1"
        self.attrs = {
            "State": {"Status": "running", "Running": True, "ExitCode": 0} | state,
            "Config": {"Image": f"images.lan:5000/{component}:1.2@sha256:{'0' * 64}"},
            "NetworkSettings": {"Ports": ports or {}},
            "RestartCount": 2,
        }

    def stats(self, *, stream: bool, one_shot: bool) -> dict[str, Any]:
        assert one_shot
        assert not stream
        return {"memory_stats": {"usage": 50 * 2**20, "stats": {"inactive_file": 20 * 2**20}}}

    def logs(self, *, stream: bool, follow: bool, tail: int) -> list[bytes]:
        assert stream
        return [f"{self.labels['breakwater.component']} {follow} {tail}\n".encode()]


HEALTHY = {"Health": {"Status": "healthy"}}
ILL = {"Health": {"Status": "unhealthy", "Log": [{"Output": "old"}, {"Output": "connection\nrefused\n"}]}}
GONE = {"Status": "exited", "Running": False, "ExitCode": 137, "Error": "", "Health": {"Status": "unhealthy"}}


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    ports = {
        "8001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8001"}],
        "8000/tcp": [{"HostPort": "8000"}],
        "1/tcp": None,
    }
    found = [Found("query", ILL), Found("kong", HEALTHY, ports), Found("redis", GONE)]

    @contextmanager
    def engine(_docker_host: str) -> Iterator[None]:
        yield

    monkeypatch.setattr(running, "engine", engine)
    monkeypatch.setattr(running, "of_stack", lambda *_, **__: found)
    return found


def test_each_container_is_shown_as_the_engine_sees_it() -> None:
    def row(component: str, port: str, state: str, memory_mb: int) -> Row:
        image = f"images.lan:5000/{component}"
        return Row(component, "container", image, "1.2", port, state, state == "healthy", memory_mb, 2, "")

    assert running.read("test", "") == [
        row("kong", "8000", "healthy", 30),
        row("query", "", "unhealthy: connection refused", 30),
        row("redis", "", "exited: status 137", 0),
    ]


def test_the_logs_of_all_are_told_apart_and_of_one_are_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    running.show_logs("test", "", None, lines=5, follow=False)
    assert capfdbinary.readouterr().out.split(b"\n")[0] == b"==> breakwater-test-kong-1 <=="
    running.show_logs("test", "", "query", lines=7, follow=True)
    assert capfdbinary.readouterr().out == b"query True 7\n"


def test_what_has_no_log_and_what_cannot_be_followed_is_said() -> None:
    with pytest.raises(EngineError, match="no container of 'mars'; there are kong, query, redis"):
        running.show_logs("test", "", "mars", lines=5, follow=False)
    with pytest.raises(EngineError, match="name its component"):
        running.show_logs("test", "", None, lines=5, follow=True)


def test_only_containers_that_pulumi_does_not_know_are_removed(
    there: list[Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []

    class Client:
        containers: Any = None

        def list(self, *, all: bool, filters: dict[str, str]) -> list[Found]:  # noqa: A002 - the SDK's own name
            assert all
            assert filters == {"label": "breakwater.stack=test"}
            return there

    @contextmanager
    def engine(_docker_host: str) -> Iterator[Client]:
        client = Client()
        client.containers = client
        yield client

    monkeypatch.setattr(running, "engine", engine)
    for one in there:
        monkeypatch.setattr(one, "remove", lambda *, v, force, name=one.name: removed.append(name), raising=False)
    running.remove_unknown("test", "", {"breakwater-test-query-1", "breakwater-test-kong-1"})
    assert removed == ["breakwater-test-redis-1"]
