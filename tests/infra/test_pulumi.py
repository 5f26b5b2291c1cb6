"""The stack as Pulumi sees it, with the commands that a person types."""

import json
import os
import re
from contextlib import suppress
from typing import Any

import psutil
import pytest
import yaml

from infra.drift.inspection import inspected
from infra.settings import PROJECT_ROOT
from infra.targets.local import health, supervisor
from tests.infra.conftest import PREVIEW, UP
from tests.infra.seeds import CRASHED, PERSONAL, Place, Seeds, of_components, of_the_data, of_the_ways
from tests.stacks import Stack


def changed(output: str) -> set[str]:
    """The resources that an update created, updated, replaced or deleted."""
    return set(re.findall(r"^ [+~-]+ +\S+local:\S+ (\S+) (?:created|updated|replaced|deleted)", output, re.MULTILINE))


def drift(stack: Stack) -> set[Place]:
    """What `breakwater drift` tells; it never tells a secret."""
    told = stack.breakwater("drift", "--json")
    assert told.returncode in {0, 1}, told.stderr
    found = json.loads(told.stdout)
    assert (told.returncode == 1) == bool(found)
    secrets = [(stack.paths.run("timescaledb") / "database_password").read_text().strip()]
    assert not any(secret in told.stdout + told.stderr for secret in secrets)
    return {(one["component"], one["kind"], one["what"]) for one in found}


def test_nothing_changes_by_looking_again(stack: Stack) -> None:
    preview = stack.pulumi(*PREVIEW)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert changed(stack.pulumi(*UP).stdout) == set()
    assert drift(stack) == set()


def test_a_changed_setting_touches_the_components_that_use_it_only(stack: Stack) -> None:
    config = PROJECT_ROOT / f"Pulumi.{stack.name}.yaml"
    before = yaml.safe_load(config.read_text())
    before["config"]["breakwater:rateLimitMinute"] = 77
    config.write_text(yaml.safe_dump(before))
    up = stack.pulumi(*UP)
    assert up.returncode == 0, up.stdout + up.stderr
    assert changed(up.stdout) == {"kong"}


def test_a_plan_names_exactly_what_the_next_up_restarts_and_why(stack: Stack) -> None:
    config = PROJECT_ROOT / f"Pulumi.{stack.name}.yaml"
    settings = yaml.safe_load(config.read_text())
    settings["config"] |= {"breakwater:cache": False, "breakwater:rateLimitMinute": 66}
    config.write_text(yaml.safe_dump(settings))
    steps = planned(stack)
    before = _processes(stack)
    up = stack.pulumi(*UP)
    assert up.returncode == 0, up.stdout + up.stderr
    restarted = {name for name, process in _processes(stack).items() if process != before[name]}
    assert {step["component"] for step in steps} == restarted == {"query", "kong"}
    (query,) = (step for step in steps if step["component"] == "query")
    assert query["why"] == ["environment: CACHE_ENABLED true → false"]
    assert query["measured"]
    assert planned(stack) == []


def planned(stack: Stack) -> list[dict[str, Any]]:
    """The steps that `breakwater plan` tells of."""
    plan = stack.breakwater("plan", "--json")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    steps: list[dict[str, Any]] = json.loads(plan.stdout)["steps"]
    return steps


@pytest.mark.timeout(240)  # a busy machine makes all of it several times slower
def test_what_drifts_is_named_exactly_and_repaired_without_losing_anything(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(stack.home))
    seeds = Seeds(stack.paths, inspected(stack.name))
    expected = of_components(seeds) | of_the_ways(seeds) | of_the_data(seeds)
    assert len({kind for _, kind, _ in expected}) > 20
    assert drift(stack) == expected
    repaired = stack.breakwater("up", "--repair")
    assert repaired.returncode == 1, repaired.stdout + repaired.stderr  # a person has to decide on the rest
    assert all(what in repaired.stdout for _, _, what in PERSONAL)
    seeds.by_hand()
    assert drift(stack) - {CRASHED} == set()


def test_a_rotation_restarts_nothing_tells_no_secret_and_leaves_no_change_to_make(stack: Stack) -> None:
    file = stack.paths.run("query") / "inter_service_secret"
    old, processes = file.read_text(), _processes(stack)
    rotated = stack.breakwater("rotate")
    assert rotated.returncode == 0, rotated.stdout + rotated.stderr
    (new,) = file.read_text().split()
    assert new != old
    assert _processes(stack) == processes
    assert drift(stack) - {CRASHED} == set()
    assert not any(secret in rotated.stdout + rotated.stderr for secret in (old, new))
    preview = stack.pulumi(*PREVIEW)
    assert preview.returncode == 0, preview.stdout + preview.stderr


def test_no_secret_is_in_the_state_in_clear(stack: Stack) -> None:
    secrets = [
        (stack.paths.run(component) / name).read_text()
        for component, name in (("timescaledb", "database_password"), ("query", "inter_service_secret"))
    ]
    for file in (stack.home / "state").rglob("*.json*"):
        text = file.read_text()
        assert not any(secret in text for secret in secrets), file


def test_a_component_that_cannot_start_shows_its_log_in_pulumis_diagnostics(stack: Stack) -> None:
    config = PROJECT_ROOT / f"Pulumi.{stack.name}.yaml"
    good = config.read_text()
    try:
        bad = yaml.safe_load(good)
        bad["config"]["breakwater:generationModel"] = "no-such-model"
        config.write_text(yaml.safe_dump(bad))
        up = stack.pulumi(*UP)
        assert up.returncode != 0
        assert "models ended with status 1" in up.stdout + up.stderr
        assert "cannot pull no-such-model" in up.stdout + up.stderr
        assert [step["component"] for step in planned(stack)] == ["models", "query"]  # not what was never done
    finally:
        config.write_text(good)
    assert stack.pulumi(*UP).returncode == 0


def test_destroy_leaves_no_process_no_port_and_only_data_and_logs(stack: Stack) -> None:
    ports = [int(p) for p in re.findall(r'"port": "(\d{4,5})"', "".join(_specifications(stack)))]
    assert len(ports) > 10
    destroyed = stack.pulumi("destroy", "--yes")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert sorted(p.name for p in stack.paths.root.iterdir()) == [
        "data",
        "logs",
        "supervisor.lock",
        "supervisord.log",
    ]
    assert all(health.problem("http", port, "/") for port in ports)
    left = [p for p in psutil.process_iter() if str(stack.home) in belongings(p)]
    assert [p for p in left if "tests.watchdog" not in p.cmdline()] == []
    down = stack.breakwater("down")
    assert down.returncode == 0, down.stderr


def belongings(process: psutil.Process) -> str:
    """What tells which stack a process belongs to; nothing of this test's own processes."""
    with suppress(psutil.Error):
        if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
            return " ".join((*process.cmdline(), process.environ().get("PULUMI_BACKEND_URL", "")))
    return ""


def _specifications(stack: Stack) -> list[str]:
    return [path.read_text() for path in (stack.paths.root / "run").glob("*/program.json")]


def _processes(stack: Stack) -> dict[str, int]:
    return {name: state["pid"] for name, state in supervisor.states(stack.paths).items()}
