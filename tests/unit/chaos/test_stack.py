import xmlrpc.client
from pathlib import Path
from typing import Any

import jwt
import pytest

from chaos import stack as stacks
from chaos.stack import Stack, StackError
from infra import workspace
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths
from infra.targets.services import TOKEN_FILE
from infra.topology import topology


def outputs(root: Path, **ports: int) -> dict[str, Any]:
    secrets = {"jwtSecret-app": "s" * 40, "interServiceSecret": "ours", "databasePassword": "p"}
    return {"gateway": "http://127.0.0.1:8500", "ports": ports, "root": str(root), "secrets": secrets}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(
        workspace, "outputs", lambda _: outputs(tmp_path, **{"toxiproxy/http": 8974, "kong/http": 8500})
    )
    return Stack.of("test")


def test_a_stack_knows_where_everything_is(stack: Stack, tmp_path: Path) -> None:
    assert stack.paths == StackPaths(tmp_path)
    assert stack.gateway == "http://127.0.0.1:8500"
    assert stack.url("query") == "http://127.0.0.1:8702"
    assert stack.address("qdrant-1", "p2p") == "127.0.0.1:6854"
    assert stack.edge("query->ollama").listen == 21520
    assert stack.toxiproxy.port == 8974


def test_a_stack_has_the_credentials_of_its_callers_and_shows_none(stack: Stack) -> None:
    assert jwt.decode(stack.token(), "s" * 40, algorithms=["HS256"])["sub"] == "app"
    assert "s" * 40 not in repr(stack)


def test_the_service_token_is_the_one_that_services_send_at_this_moment(stack: Stack) -> None:
    file = stack.paths.run("query") / TOKEN_FILE
    file.parent.mkdir(parents=True)
    for held in ("ours", "newer\nours"):
        file.write_text(held)
        assert stack.service_token == held.split()[0]


def test_a_stack_without_proxies_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "outputs", lambda _: outputs(tmp_path, **{"kong/http": 8000}))
    with pytest.raises(StackError, match="`chaos` must be true"):
        Stack.of("test")


def test_a_component_that_nobody_runs_has_no_process_and_cannot_be_stopped(tmp_path: Path) -> None:
    stack = Stack("test", StackPaths(tmp_path), topology())
    assert stack.process("query") is None
    with pytest.raises(StackError, match="runs no query"):
        stack.stop("query")


def test_a_component_that_does_not_do_as_told_is_an_error(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def call(_paths: StackPaths, method: str, *arguments: object) -> None:
        asked.append((method, *arguments))
        raise xmlrpc.client.Fault(70, "NOT_RUNNING")

    monkeypatch.setattr(supervisor, "states", lambda _: {"query": {"statename": "EXITED"}})
    monkeypatch.setattr(supervisor, "call", call)
    monkeypatch.setattr(stacks, "STOP_S", 0.03)
    with pytest.raises(StackError, match="query does not stop; the supervisor calls it EXITED"):
        stack.stop("query")
    with pytest.raises(StackError, match="query does not start"):
        stack.start("query")
    assert asked[0] == ("stopProcess", "query", False)
    assert asked[-1] == ("startProcess", "query", False)
