import argparse
import json

import pytest

from infra.commands import drift
from infra.drift.drift import Drift
from infra.workspace import WorkspaceError

COMMAND = Drift("query", "command", "", "…", "… --debug")
STOPPED = Drift("redis", "stopped", "", "runs", "stopped")
TABLE = Drift("timescaledb", "table", "rag.documents", "there", "not there")


def run(monkeypatch: pytest.MonkeyPatch, *found: Drift, as_json: bool = False) -> int:
    monkeypatch.setattr(drift, "inspected", lambda stack: stack)
    monkeypatch.setattr(drift, "drift_of", lambda _: list(found))
    return drift.run(argparse.Namespace(stack="s", json=as_json))


def test_a_stack_without_drift_is_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    assert "stack s is as it is to be" in capsys.readouterr().out


def test_a_line_names_what_differs_why_and_the_repair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, COMMAND) == 1
    said = capsys.readouterr().out
    for word in ("query", "command", "… --debug", "changed by hand", "make up REPAIR=1: restarts it"):
        assert word in said


def test_json_has_all_that_is_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, STOPPED, as_json=True) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["component"], told["kind"], told["by"], told["cause"]) == ("redis", "stopped", "up", "stopped by hand")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((STOPPED,), "To repair all of it: make up STACK=s"),
        ((STOPPED, COMMAND), "To repair all of it: make up STACK=s REPAIR=1"),
        (
            (STOPPED, TABLE),
            "1 of 2 a person must decide on; the table says how. To repair the rest: make up STACK=s",
        ),
        ((TABLE,), "1 of 1 a person must decide on; the table says how."),
    ],
)
def test_the_last_line_says_how_to_repair_all(found: tuple[Drift, ...], said: str) -> None:
    assert drift.how(found, "s") == said


def test_a_stack_that_is_not_up_cannot_be_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(_: str) -> None:
        raise WorkspaceError("stack s is not up")

    monkeypatch.setattr(drift, "inspected", down)
    assert drift.run(argparse.Namespace(stack="s", json=False)) == 2
    assert "stack s is not up" in capsys.readouterr().err
