import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from infra import workspace
from infra.commands import rotate
from infra.commands.rotate import PulumiStack
from infra.gateway_users import GatewayUsers
from infra.rotation import RotationError
from infra.secret import VARIABLE, SecretState
from infra.service_users import ServiceUsers
from infra.targets.local.paths import StackPaths
from infra.workspace import WorkspaceError

CLOSED = 1  # nobody listens on that port
STATE = SecretState("new-secret".ljust(32, "x"), "old-secret".ljust(32, "x"), "switched")


def exported(name: str, kind: str = "Secret", **outputs: Any) -> dict[str, Any]:
    return {"type": f"pulumi-python:dynamic/local:{kind}", "urn": f"urn:pulumi:s::b::t::{name}", "outputs": outputs}


def test_the_secrets_are_read_from_pulumis_state(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "4dabf18193072939515e22adb298388d"  # how Pulumi marks a secret value
    value, other = ({key: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(s)} for s in ("a", "b"))
    resources = [
        exported("interServiceSecret", value=value, other=other, phase="introduced", step="introduce"),
        exported("databasePassword", value=value),
        exported("query", kind="Process"),
    ]
    state = json.dumps({"deployment": {"resources": resources}})
    monkeypatch.setattr(workspace, "ask_pulumi", lambda *_: state)
    assert PulumiStack("s").read() == {
        "interServiceSecret": SecretState("a", "b", "introduced"),
        "databasePassword": SecretState("a"),
    }


def test_pulumi_is_told_the_steps_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = []
    monkeypatch.setattr(workspace, "ask_pulumi", lambda *arguments, variables: asked.append((arguments, variables)))
    PulumiStack("s").take({"interServiceSecret": "switch"})
    ((arguments, variables),) = asked
    assert arguments[0] == "up"
    assert variables == {VARIABLE: '{"interServiceSecret": "switch"}'}


def test_a_stack_that_does_not_exist_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    with pytest.raises(WorkspaceError, match="no stack nowhere"):
        rotate.run(argparse.Namespace(stack="nowhere", what="service", retire=False))
    assert list(tmp_path.iterdir()) == []


def test_one_rotation_of_a_stack_runs_at_a_time(tmp_path: Path) -> None:
    with rotate._alone(tmp_path), pytest.raises(RotationError, match="another rotation"), rotate._alone(tmp_path):
        pass
    with rotate._alone(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_the_services_are_those_whose_environment_names_the_secrets_file(tmp_path: Path) -> None:
    for name, environment in {"query": {"INTER_SERVICE_SECRET_FILE": "f"}, "redis": {}}.items():
        program = {"component": name, "environment": environment, "health": {"port": "8202"}}
        StackPaths(tmp_path).run(name).mkdir(parents=True)
        (StackPaths(tmp_path).run(name) / "program.json").write_text(json.dumps(program))
    assert rotate.USERS["service"]({}, StackPaths(tmp_path)) == {"interServiceSecret": ServiceUsers({"query": 8202})}


def test_who_does_not_answer_proves_nothing() -> None:
    services, gateway = ServiceUsers({"query": CLOSED}), GatewayUsers(f"http://127.0.0.1:{CLOSED}", "app")
    for users in (services, gateway):
        objections = [
            users.accept_both(STATE),
            users.use_the_new(STATE),
            users.left_the_old(STATE, 0),
            users.refuse_the_old(STATE),
        ]
        assert all(objections)
        assert not any("secret" in line for lines in objections for line in lines)
    assert services.use_the_new(STATE) == ["query answers with ConnectionRefusedError"]


def test_services_that_are_replaced_with_each_step_have_taken_it_when_it_is_over(tmp_path: Path) -> None:
    (users,) = rotate.USERS["service"]({"target": "docker"}, StackPaths(tmp_path)).values()
    questions = (users.accept_both(STATE), users.use_the_new(STATE), users.refuse_the_old(STATE))
    assert [*questions, users.left_the_old(STATE, 3.0)] == [[], [], [], []]
