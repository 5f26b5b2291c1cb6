from pathlib import Path
from typing import Any

import pytest

from infra import workspace
from infra.drift import inspection
from infra.drift.drift import Drift, Found
from infra.drift.inspection import Inspected, drift_of, inspected
from infra.manifest import Deployed, Manifest
from infra.probes.http import SilentError
from infra.workspace import WorkspaceError
from tests.settings import settings

COMPONENTS = tuple(Deployed(name, "1", (), "stop-first") for name in ("timescaledb", "redis", "query"))
STACK = ("pulumi:pulumi:Stack", "breakwater-s")


class FakeRunning:
    """A stack of which there is what it is told."""

    wanted = deployed = Manifest("s", "local", COMPONENTS, (3, 2))

    def __init__(self, *looks: Found) -> None:
        self.looks = list(looks)
        self.secrets = {"databasePassword": ("s3cret",)}
        self.up = self.near = True

    def is_up(self) -> bool:
        return self.up

    def found(self) -> Found:
        return self.looks.pop(0)


def stack(*looks: Found) -> Inspected:
    running: Any = FakeRunning(*looks)
    return Inspected(settings(), running, {})


@pytest.fixture(autouse=True)
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "PROBES", ())


def test_a_clean_stack_is_looked_at_once() -> None:
    assert drift_of(stack(Found(COMPONENTS))) == []


def test_what_is_there_twice_is_told_in_the_order_of_the_components_and_without_a_secret() -> None:
    said = (Drift("query", "silent", found="no s3cret"), Drift("timescaledb", "silent"), Drift("redis", "silent"))
    told = drift_of(stack(Found(COMPONENTS, said), Found(COMPONENTS, said[:2])), again_s=0)
    assert told == [Drift("timescaledb", "silent"), Drift("query", "silent", found="no <databasePassword>")]


def test_a_component_that_does_not_answer_a_probe_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(_: Inspected) -> list[Drift]:
        raise SilentError("no answer")

    sides = tuple((name, inspection._answering(name, probe)) for name in ("redis", "ollama"))
    monkeypatch.setattr(inspection, "PROBES", sides)
    told = drift_of(stack(Found(COMPONENTS), Found(COMPONENTS)), again_s=0)
    assert told == [Drift("redis", "silent", "", "answers", "no answer")]


def test_of_a_stack_elsewhere_only_the_components_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "PROBES", (("redis", lambda _: [Drift("redis", "silent")]),))
    elsewhere = stack(Found(COMPONENTS))
    elsewhere.running.near = False  # type: ignore[misc]  # the fake's own
    assert drift_of(elsewhere) == []


def test_a_stack_has_to_exist_and_to_be_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    with pytest.raises(WorkspaceError, match="there is no stack nowhere"):
        inspected("nowhere")
    running = FakeRunning()
    monkeypatch.setattr(workspace, "exists", lambda _: True)
    monkeypatch.setattr(inspection, "running", lambda *_: running)
    cases: tuple[tuple[dict[str, Any], bool], ...] = (({}, True), ({"manifest": {}}, False))
    for outputs, up in cases:
        running.up = up
        monkeypatch.setattr(workspace, "resources", lambda _, outputs=outputs: {STACK: outputs})
        with pytest.raises(WorkspaceError, match="stack s is not up"):
            inspected("s")
