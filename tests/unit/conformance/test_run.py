import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conformance import __main__ as command
from conformance.check import Check, ConformanceError, NonconformingError, NotApplicableError
from conformance.checks import GROUPS
from conformance.report import junit
from conformance.run import Result, run
from conformance.sample import Sample
from conformance.stack import Stack
from infra import workspace
from tests.unit.conformance.conftest import Asked, Lab, Said, outputs


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def group(**acts: Callable[[], None]) -> Any:
    """A module of checks."""
    made = [Check(name.replace("_", " "), act) for name, act in acts.items()]
    return SimpleNamespace(__name__="conformance.checks.tried", checks=lambda _stack, _sample: iter(made))


def made_by(module: ModuleType, stack: Stack, **more: Any) -> list[tuple[str, str, str]]:
    return [(one.name, one.verdict, one.reason) for one in run(stack, lambda _: None, groups=[module], **more)]


def test_each_check_has_its_verdict_with_the_reason() -> None:
    tried = group(
        fine=lambda: None,
        wrong=raising(NonconformingError("it is not so")),
        elsewhere=raising(NotApplicableError("there is none")),
        odd=raising(KeyError("results")),
    )
    assert made_by(tried, Stack(outputs({}))) == [
        ("fine", "ok", ""),
        ("wrong", "FAILED", "it is not so"),
        ("elsewhere", "not applicable", "there is none"),
        ("odd", "FAILED", "an answer of another shape than expected: KeyError('results')"),
    ]


def test_only_the_checks_that_are_asked_for_are_made() -> None:
    tried, stack = group(first=lambda: None, second=lambda: None), Stack(outputs({}))
    assert [name for name, *_ in made_by(tried, stack, only="Second")] == ["second"]
    assert len(made_by(tried, stack, only="tried: ")) == 2
    assert made_by(tried, stack, only="third") == []


def test_a_defect_of_a_check_is_not_taken_for_the_stacks() -> None:
    with pytest.raises(AttributeError):
        made_by(group(broken=raising(AttributeError("a slip"))), Stack(outputs({})))


@pytest.mark.parametrize("error", [ConformanceError("no budget"), KeyboardInterrupt()])
def test_what_was_made_is_removed_however_the_run_ends(lab: Lab, error: BaseException) -> None:
    asked: list[str] = []

    def answer(one: Asked) -> Said:
        asked.append(f"{one.method} {one.route}")
        return Said(404, {"error": "Not Found", "detail": "gone"})

    def checks(_: Stack, sample: Sample) -> Any:
        sample.is_there = True
        yield Check("ends", raising(error))

    module: Any = SimpleNamespace(__name__="tried", checks=checks)
    told: list[Result] = []
    with pytest.raises(type(error)):
        run(lab.stack(answer), told.append, groups=[module])
    assert asked[0] == "DELETE /api/v1/collections/conformance"
    assert [(one.group, one.verdict) for one in told] == [("end", "ok")]


def test_all_groups_have_checks_with_names_of_their_own() -> None:
    stack = Stack(outputs({"kong/http": 1, "qdrant-0/http": 2}, stateful=("qdrant-0",)))
    for module in GROUPS:
        names = [check.name for check in module.checks(stack, Sample(stack))]
        assert names
        assert len(set(names)) == len(names)


def test_the_junit_report_counts_and_can_hold_any_text() -> None:
    results = [
        Result("routes", "a", "ok", 0.5),
        Result("routes", "b", "FAILED", 0.25, "said \x00 and \x1b[31m"),
        Result("limits", "c", "not applicable", 0, "too high"),
    ]
    suites = ET.fromstring(ET.tostring(junit("test", datetime(2025, 11, 2, tzinfo=UTC), results)))
    (suite,) = suites
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("3", "1", "1")
    assert [case.attrib["classname"] for case in suite] == ["conformance.routes"] * 2 + ["conformance.limits"]
    assert [child.tag for case in suite for child in case] == ["failure", "skipped"]


class Command:
    """Runs the command on a stack whose outputs are in a file."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports, self.file = folder / "reports", folder / "outputs.json"
        self.file.write_text(json.dumps(outputs({})))
        self._monkeypatch = monkeypatch

    def __call__(self, module: Any, *arguments: str) -> int:
        self._monkeypatch.setattr(command, "GROUPS", [module])
        return command.main(["--outputs", str(self.file), "--reports", str(self.reports), *arguments])


@pytest.fixture
def conformance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path, monkeypatch)


def test_a_run_says_what_became_of_each_check_and_keeps_a_record(
    conformance: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = group(fine=lambda: None, wrong=raising(NonconformingError("[bold] is no markup")))
    assert conformance(tried) == 1
    said = capsys.readouterr().out
    assert "ok             fine" in said
    assert "FAILED         wrong: [bold] is no markup" in said
    assert "1 ok, 1 FAILED, 0 not applicable" in said
    (folder,) = conformance.reports.iterdir()
    record = json.loads((folder / "conformance.json").read_text())
    assert [check["verdict"] for check in record["checks"]] == ["ok", "FAILED"]
    assert record["runs"]["kong"] == "a fake"
    assert ET.parse(folder / "junit.xml").getroot().attrib["failures"] == "1"


def test_what_is_ok_or_not_applicable_is_no_failure(conformance: Command) -> None:
    assert conformance(group(fine=lambda: None, elsewhere=raising(NotApplicableError("no")))) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"), [(["--only", "nothing"], "no check has 'nothing' in its name"), ([], "no budget")]
)
def test_what_cannot_be_checked_is_neither_passed_nor_failed(
    conformance: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert conformance(group(fine=raising(ConformanceError("no budget"))), *arguments) == 2
    assert reason in capsys.readouterr().err


def test_an_interrupted_run_ends_as_a_shell_expects(conformance: Command) -> None:
    assert conformance(group(fine=raising(KeyboardInterrupt()))) == 130


def test_the_checks_can_be_listed_without_being_made(conformance: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance(group(fine=raising(AssertionError())), "--list") == 0
    assert capsys.readouterr().out == "tried: fine\n"


def test_a_stack_that_is_not_there_or_a_file_that_is_no_outputs_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def absent(_: str) -> dict[str, Any]:
        raise workspace.WorkspaceError("no stack named 'x' found")

    monkeypatch.setattr(workspace, "outputs", absent)
    assert command.main(["--stack", "x"]) == 2
    (tmp_path / "o").write_text("{")
    assert command.main(["--outputs", str(tmp_path / "o")]) == 2
    monkeypatch.setattr(workspace, "outputs", lambda _: {})
    assert command.main(["--stack", "x"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "conformance: no stack named 'x' found"
    assert "has no outputs as JSON" in told[1]
    assert told[2].startswith("conformance: the outputs lack gateway, ports")
