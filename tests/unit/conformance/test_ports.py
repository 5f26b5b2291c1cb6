import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conformance import targets
from conformance.checks import ports
from conformance.stack import Stack
from tests.ports import free_port
from tests.unit.conformance.conftest import Lab, Said, outputs


@pytest.fixture
def listen() -> Iterator[Any]:
    """Listens on an interface, and gives the port."""
    with ExitStack() as sockets:

        def open_at(address: str) -> int:
            listener = sockets.enter_context(socket.create_server((address, 0)))
            return int(listener.getsockname()[1])

        yield open_at


def of(lab: Lab, stack: Stack, monkeypatch: pytest.MonkeyPatch, *more: tuple[str, int]) -> dict[str, str]:
    """What fails in the stack, of whose parts these listen besides."""
    wanted = {("127.0.0.1", port) for port in stack.ports.values()}
    monkeypatch.setattr(targets, "listening", lambda _: wanted | set(more))
    return {one.name: one.reason for one in lab.results(ports, stack) if one.verdict == "FAILED"}


def test_ports_that_listen_where_they_should_conform(lab: Lab, listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = listen("127.0.0.1"), listen("0.0.0.0")
    said = outputs({"query/http": private, "kong/http": public})
    for component in said["manifest"]["components"]:
        for port in component["ports"]:
            port["address"] = "0.0.0.0" if port["host"] == public else "127.0.0.1"
    monkeypatch.setattr(targets, "listening", lambda _: {("127.0.0.1", private), ("0.0.0.0", public)})
    results = lab.results(ports, Stack(said))
    assert {one.name: one.verdict for one in results} == {
        "kong/http listens on every interface": "ok",
        "query/http listens on 127.0.0.1": "ok",
        "nothing else of the stack listens": "ok",
    }


def test_a_port_that_strangers_reach_is_noticed(lab: Lab, listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = listen("0.0.0.0")
    noticed = of(lab, Stack(outputs({"redis/redis": port})), monkeypatch)
    assert noticed == {"redis/redis listens on 127.0.0.1": f"port {port} can be reached at {ports.outside()}"}


def test_a_public_port_that_only_this_machine_reaches_is_noticed(
    lab: Lab, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listen("127.0.0.1")
    said = outputs({"kong/http": port})
    for component in said["manifest"]["components"]:
        for one in component["ports"]:
            one["address"] = "0.0.0.0"
    noticed = of(lab, Stack(said), monkeypatch, ("0.0.0.0", port))
    assert noticed["kong/http listens on every interface"] == f"port {port} cannot be reached at {ports.outside()}"


def test_a_port_that_nobody_listens_on_is_noticed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    noticed = of(lab, Stack(outputs({"redis/redis": port})), monkeypatch)
    assert noticed == {"redis/redis listens on 127.0.0.1": f"nothing listens on port {port}"}


def test_what_listens_besides_is_noticed(lab: Lab, listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(outputs({"redis/redis": listen("127.0.0.1")}))
    noticed = of(lab, stack, monkeypatch, ("0.0.0.0", 9999))
    assert noticed == {"nothing else of the stack listens": "these are not in the manifest: 0.0.0.0:9999"}


def test_the_proxies_of_a_chaos_stack_may_listen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = {"query->ollama": {"listen": "127.0.0.1:21020"}}
    stack = lab.stack({"toxiproxy/http": lambda _: Said(200, proxies)})
    assert of(lab, stack, monkeypatch, ("127.0.0.1", 21020)) == {}
    assert list(of(lab, stack, monkeypatch, ("0.0.0.0", 21020))) == ["nothing else of the stack listens"]


def test_of_another_machine_only_what_can_be_reached_is_judged(
    lab: Lab, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(outputs({"redis/redis": listen("0.0.0.0")}) | {"gateway": "http://127.0.0.3:8000"})
    assert list(of(lab, stack, monkeypatch)) == ["redis/redis listens on 127.0.0.1"]
