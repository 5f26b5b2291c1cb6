from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from infra.drift import repair as repairing
from infra.drift.drift import Drift
from infra.drift.inspection import Inspected
from infra.drift.repair import repair, repair_ways
from infra.probes.http import SilentError
from infra.workspace import WorkspaceError


@dataclass
class FakeStack:
    """Notes what is done to it; what is repaired does not drift any more."""

    drift: list[Drift]
    done: list[str] = field(default_factory=list)
    refuses: bool = False

    @property
    def running(self) -> "FakeStack":
        return self

    def redo(self, component: str) -> None:
        if self.refuses:
            raise SilentError("it does not start")
        self._note("redo", component)

    def rewrite(self, component: str) -> None:
        self._note("rewrite", component)

    def resume(self, component: str) -> None:
        self._note("resume", component)

    def remove(self, component: str, name: str) -> None:
        self._note(f"remove {name}".strip(), component)

    def _note(self, what: str, component: str) -> None:
        self.done.append(f"{what} {component}")
        self.drift = [one for one in self.drift if one.component != component]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    made = FakeStack([])
    monkeypatch.setattr(repairing, "inspected", lambda _: cast(Inspected, made))
    monkeypatch.setattr(repairing, "drift_of", lambda _: list(made.drift))
    return made


def test_each_component_is_repaired_once_and_what_suspends_or_is_too_many_goes_first(stack: FakeStack) -> None:
    stack.drift = [
        Drift("redis", "command"),
        Drift("redis", "environment", "A"),
        Drift("query", "source"),
        Drift("ingestion", "live file", "token"),
        Drift("ollama", "paused"),
        Drift("stranger", "extra"),
        Drift("collections", "extra", "a second container"),
    ]
    assert repair("s", lambda _: None) == []
    assert stack.done == [
        "remove stranger",
        "remove a second container collections",
        "resume ollama",
        "redo redis",
        "redo query",
        "rewrite ingestion",
    ]


def test_what_a_person_decides_on_and_what_waits_for_a_deployment_is_left_alone(stack: FakeStack) -> None:
    stack.drift = [Drift("timescaledb", "table", "rag.documents"), Drift("query", "source", undeployed=True)]
    assert repair("s", lambda _: None, settle_s=0) == stack.drift
    assert stack.done == []


def test_a_repair_that_fails_is_told_and_the_others_are_done(stack: FakeStack) -> None:
    stack.refuses, said = True, list[str]()
    stack.drift = [Drift("redis", "command"), Drift("ingestion", "live file", "token")]
    left = repair("s", said.append, settle_s=0)
    assert [drift.component for drift in left] == ["redis"]
    assert stack.done == ["rewrite ingestion"]
    assert said[0] == "redis: not repaired: it does not start"


def test_before_a_deployment_only_the_ways_are_repaired(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, ...]] = []

    def proxies(_stack: Any, found: list[Drift], _say: Any) -> None:
        done.append(tuple(drift.kind for drift in found))

    ways = {kind: proxies for kind, how in repairing.REPAIRS.items() if how is repairing._proxies}
    monkeypatch.setattr(repairing, "REPAIRS", {**repairing.REPAIRS, **ways})
    monkeypatch.setattr(repairing, "_proxies", proxies)
    stack.drift = [Drift("redis", "command"), Drift("toxiproxy", "toxic", "a->b slow"), Drift("toxiproxy", "upstream")]
    repair_ways("s", lambda _: None)
    assert done == [("toxic", "upstream")]
    assert stack.done == []


def test_a_stack_that_is_down_has_no_ways_to_repair(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: str) -> Inspected:
        raise WorkspaceError("not up")

    monkeypatch.setattr(repairing, "inspected", down)
    repair_ways("s", lambda _: None)
    assert stack.done == []
