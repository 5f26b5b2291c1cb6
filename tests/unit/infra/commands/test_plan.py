import argparse
import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from infra import workspace
from infra.commands import plan as command
from infra.commands import policy, up
from infra.manifest import Manifest
from infra.plan.steps import PlanError, plan
from infra.policy.rules import PolicyError
from infra.targets.local.resources import TOOK
from tests.manifests import changed, manifest_of
from tests.settings import settings

LOCAL = manifest_of()
DOCKER = manifest_of(target="docker", chaos=False)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the stack's last deployment left in its state; empty for one that was never brought up."""
    state: dict[str, Any] = {}

    def resources(_stack: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        return {
            ("pulumi:pulumi:Stack", "x"): state,
            ("local:Process", "query"): {TOOK: 4.2},
            ("local:Process", "kong"): {TOOK: None},
            ("local:Secret", "a"): {},
        }

    monkeypatch.setattr(workspace, "resources", resources)
    monkeypatch.setattr(workspace, "exists", lambda _stack: bool(state))
    return state


def run(module: Any, monkeypatch: pytest.MonkeyPatch, manifest: Manifest, *words: str) -> int:
    given = settings(target=manifest.target, chaos=manifest.component("toxiproxy") is not None)
    monkeypatch.setattr(module, "stack_settings", lambda _stack, **_given: given)
    monkeypatch.setattr(module, "wanted", lambda _settings: manifest)
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", default="test")
    module.arguments(parser)
    status: int = module.run(parser.parse_args(words))
    return status


def test_a_stack_that_was_never_brought_up_is_all_new(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, monkeypatch, LOCAL) == 0
    assert "test: 14 components are new, longest downtime none" in capsys.readouterr().out


def test_a_stack_without_a_manifest_of_its_last_deployment_is_all_new(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed["gateway"] = "http://127.0.0.1:8000"
    assert run(command, monkeypatch, LOCAL) == 0
    assert "14 components are new" in capsys.readouterr().out


def test_the_last_deployment_is_compared_and_its_starts_are_gone_by(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed["manifest"] = json.loads(json.dumps(LOCAL.to_json()))
    after = changed(changed(LOCAL, "query", source="0"), "kong", command=("envoy",))
    assert run(command, monkeypatch, after, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(step["component"], step["down_s"], step["measured"]) for step in told["steps"]] == [
        ("query", 4.2, True),
        ("kong", 30.0, False),
    ]
    assert run(command, monkeypatch, after) == 0
    assert "2 components restart, longest downtime at most 30 s" in capsys.readouterr().out


def released(manifest: Manifest) -> Manifest:
    """The manifest with all services in another version, for which there is no memory."""
    for service in ("ingestion", "query", "rag-service", "collections"):
        manifest = changed(manifest, service, runs=f"breakwater/{service}:0.2.0")
    return manifest


def test_a_plan_that_there_is_no_memory_for_is_refused_by_plan_and_before_up_touches_anything(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = DOCKER
    needed = sum(one.limits.memory_mb for one in before.components if one.limits)
    monkeypatch.setattr("infra.plan.steps.BUDGET_MEMORY_MB", needed + 300)
    assert plan(before, released(before)).refusals
    deployed["manifest"] = before.to_json()
    assert run(command, monkeypatch, released(before)) == 1
    assert "refused: old and new" in capsys.readouterr().out
    monkeypatch.setattr(workspace, "stack", untouched)
    with pytest.raises(PlanError, match="nothing was touched: old and new"):
        run(up, monkeypatch, released(before))


def untouched(*_: object, **__: object) -> nullcontext[None]:
    raise AssertionError("Pulumi was called")


def test_a_stack_that_breaks_a_rule_is_refused_before_up_touches_anything(
    deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "stack", untouched)
    with pytest.raises(PolicyError, match="redis: it stays away when it ends"):
        run(up, monkeypatch, changed(LOCAL, "redis", restarts=False), "--offset", "0")


def test_policy_tells_each_rule_and_every_violation_with_its_repair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(policy, monkeypatch, LOCAL) == 0
    told = capsys.readouterr().out
    assert "test keeps all" in told
    assert "not about processes" in told
    assert run(policy, monkeypatch, changed(LOCAL, "redis", restarts=False)) == 1
    told = capsys.readouterr().out
    assert "broken by redis" in told
    assert "[restarts] redis: it stays away when it ends; have it restarted unless it is stopped." in told
    assert run(policy, monkeypatch, changed(LOCAL, "redis", restarts=False), "--json") == 1
    assert [one["rule"] for one in json.loads(capsys.readouterr().out)] == ["restarts"]
