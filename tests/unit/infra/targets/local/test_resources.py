import json
from pathlib import Path
from typing import Any

import pytest

from infra.secret import VARIABLE
from infra.targets.local import resources
from infra.targets.local.paths import StackPaths
from infra.targets.local.resources import PROCESS_KEYS, ProcessProvider, RestartError
from infra.targets.secret_resource import SecretProvider

Props = dict[str, Any]


@pytest.fixture
def props(tmp_path: Path) -> Props:
    known = dict.fromkeys(PROCESS_KEYS, "same")
    return {**known, "root": str(tmp_path), "component": "query", "files": {"a": "1"}, "liveFiles": {"secret": "old"}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return StackPaths(tmp_path).run("query")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Props]:
    """What was started instead of merely given new files."""
    started: list[Props] = []
    monkeypatch.setattr(resources, "start_process", started.append)
    return started


def test_files_that_a_component_reads_itself_are_replaced_without_a_restart(
    props: Props, run: Path, started: list[Props]
) -> None:
    named = {**props, "liveFiles": {"secret": "old", "keys-1": "old"}}
    ProcessProvider().update("query", props, named)
    news = {**props, "liveFiles": {"secret": "new", "keys-2": "new"}}
    assert ProcessProvider().diff("query", named, news).changes
    ProcessProvider().update("query", named, news)
    assert started == []
    assert {path.name: path.read_text() for path in run.iterdir()} == {"secret": "new", "keys-2": "new"}
    assert {path.stat().st_mode & 0o777 for path in run.iterdir()} == {0o600}


def test_a_component_from_before_there_were_such_files_needs_no_restart_for_that(
    props: Props, run: Path, started: list[Props]
) -> None:
    olds = {key: value for key, value in props.items() if key != "liveFiles"}
    ProcessProvider().update("query", olds, {**props, "liveFiles": {}})
    assert started == []
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("key", ["root", *(key for key in PROCESS_KEYS if key not in {"component", "liveFiles"})])
def test_anything_else_restarts_it_but_not_in_a_rotation(
    props: Props, started: list[Props], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    olds = {**props, key: "other"}
    ProcessProvider().update("query", olds, props)
    assert started == [props]
    monkeypatch.setenv(VARIABLE, json.dumps({"interServiceSecret": "introduce"}))
    with pytest.raises(RestartError, match="query has changes that need a restart"):
        ProcessProvider().update("query", olds, props)
    assert started == [props]


def test_a_secret_changes_by_a_step_in_its_turn_and_by_nothing_else() -> None:
    provider = SecretProvider()
    made = dict(provider.create({"label": "s"}).outs or {})
    assert not provider.diff("s", made, {"label": "s"}).changes
    assert not provider.diff("s", made, {"label": "s", "step": "switch"}).changes
    assert provider.diff("s", made, {"label": "s", "step": "introduce"}).changes
    introduced = dict(provider.update("s", made, {"label": "s", "step": "introduce"}).outs or {})
    assert (introduced["value"], introduced["phase"]) == (made["value"], "introduced")
    assert not provider.diff("s", introduced, {"label": "s", "step": "introduce"}).changes
    assert not provider.diff("s", introduced, {"label": "s"}).changes


def test_a_secret_from_before_there_were_rotations_can_be_rotated() -> None:
    news = {"label": "s", "step": "introduce"}
    assert SecretProvider().diff("s", {"label": "s", "value": "a"}, news).changes
