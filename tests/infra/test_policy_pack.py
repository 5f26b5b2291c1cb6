"""The policy pack as Pulumi runs it, on an exported state: without the provider, whose plugin may not be here."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import workspace
from infra.policy.pack.containers import deployed, runs
from infra.policy.rules import violations
from infra.settings import PROJECT_ROOT
from infra.targets.deployment import topology_of, wanted
from infra.targets.docker.engine import COMPONENT_LABEL, CONTAINER
from tests.infra.docker.program import STACKS, registered, settings

PACK = PROJECT_ROOT / "infra/policy/pack/breakwater-policy"
STACK = "urn:pulumi:policies::breakwater::pulumi:pulumi:Stack::breakwater-policies"
PROVIDER = "urn:pulumi:policies::breakwater::pulumi:providers:docker::docker"
HELD = {"image": "breakwater/jobs:0.1.0", "start": False}
REDIS = {
    "image": "docker.io/library/redis:8.2",
    "command": ["redis-server", "/etc/redis.conf"],
    "envs": ["TZ=UTC"],
    "memory": 512,
    "cpus": "0.25",
    "healthcheck": {"tests": ["CMD", "redis-cli", "ping"]},
    "ports": [{"internal": 6379, "external": 6380, "ip": "127.0.0.1"}],
    "user": "999:999",
    "restart": "unless-stopped",
    "labels": [{"label": COMPONENT_LABEL, "value": "redis"}],
}


def analyzed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **containers: dict[str, Any]) -> tuple[int, str]:
    """What Pulumi says of a stack with these containers: its exit status and its words."""
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    provider = {"urn": PROVIDER, "custom": True, "id": "p", "type": "pulumi:providers:docker"}
    made = [
        {
            "urn": f"urn:pulumi:policies::breakwater::{CONTAINER}::{name}",
            "custom": True,
            "id": name,
            "type": CONTAINER,
            "inputs": props,
            "outputs": props,
            "parent": STACK,
            "provider": f"{PROVIDER}::p",
        }
        for name, props in containers.items()
    ]
    stack = {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"}
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    state = {"version": 3, "deployment": {"manifest": manifest, "resources": [stack, provider, *made]}}
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state))
    answer = subprocess.run(
        ["pulumi", "policy", "analyze", "--file", str(file), "--policy-pack", str(PACK), "--color", "never"],
        env={**os.environ, **workspace.environment()},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def test_containers_that_break_rules_are_refused_with_each_and_those_that_keep_them_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = REDIS | {
        "image": "docker.io/library/kong:3.9.3",
        "privileged": True,
        "memory": 15872,
        "command": ["start", "--password", "hunter2"],
        "ports": [],
        "labels": [{"label": COMPONENT_LABEL, "value": "kong"}],
    }
    status, said = analyzed(tmp_path, monkeypatch, redis=REDIS, holder=HELD, kong=bad)
    assert status != 0
    assert "breakwater@v0.1.0" in said
    assert "kong: it is privileged" in said
    assert "policies: the limits add up to 16,384 MiB of memory" in said
    assert "kong: the command's --password is called as a secret is" in said
    assert said.count("[mandatory]") == 3, said
    assert "hunter2" not in said


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_program_declares_is_what_the_rules_judged_beforehand(stack: str) -> None:
    given = settings(stack)
    topology, manifest = topology_of(given), wanted(given)
    containers = [one for one in registered(given).values() if one.type == CONTAINER and runs(one.inputs)]
    seen = [
        deployed(one.name, _clear(one.inputs), topology, create_first=one.options["deleteBeforeReplace"] is False)
        for one in containers
    ]
    jobs = [one for one in manifest.components if one.strategy == "run"]
    assert {one.component for one in seen} | {one.component for one in jobs} == {c.name for c in topology.components}
    for one in seen:
        judged = manifest.component(one.component)
        assert judged
        for field in JUDGED:
            assert getattr(one, field) == getattr(judged, field), (one.component, field)
        assert one.environment.keys() == judged.environment.keys()
    assert violations(replace(manifest, components=(*seen, *jobs)), topology, given) == []


JUDGED = (
    *("runs", "command", "strategy", "limits", "health", "user", "read_only", "privileged", "capabilities"),
    *("restarts", "stateful"),
)


def _clear(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs as Pulumi shows them to a policy pack: a secret is its value."""
    return {
        name: value["secret"] if isinstance(value, dict) and "secret" in value else value
        for name, value in inputs.items()
    }
