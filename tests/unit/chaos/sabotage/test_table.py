import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import resolve_name

import pytest

from chaos.record import Finding, Result, Verdict
from chaos.sabotage.sabotage import RUNNER, Sabotage
from chaos.sabotage.table import TABLE
from chaos.stack import Stack
from infra.targets.local.paths import StackPaths
from infra.topology import topology

SIX = Sabotage("six", "query", "breaker:opens_at_six", "trip", "laws", "after 6")


def result(*findings: Finding) -> Result:
    done = Finding("clean-up", Verdict.PASSED, "")
    return Result("trip", "", (), datetime.now(UTC), 1.0, (), (), (), findings, done)


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({one.name for one in TABLE}) == len(TABLE) >= 20


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_each_is_put_into_a_component_that_there_is_and_has_its_defect(one: Sabotage) -> None:
    topology().component(one.component)
    if one.defect is None:
        assert one.environment
    else:
        defect = resolve_name(f"{RUNNER}.defects.{one.defect}")
        assert inspect.isfunction(defect)
        assert not inspect.signature(defect).parameters


def test_the_fault_runs_the_component_by_the_runner(tmp_path: Path) -> None:
    stack = Stack("s", StackPaths(tmp_path), topology(100))
    fault = SIX.fault(stack)
    assert (fault.component, fault.module, fault.arguments) == ("query", RUNNER, ("breaker:opens_at_six",))


@pytest.mark.parametrize(
    ("command", "possible"), [(["python", "-m", "services.query"], True), (["/bin/qdrant", "--uri", "x"], False)]
)
def test_only_a_python_module_can_be_sabotaged(tmp_path: Path, command: list[str], possible: bool) -> None:
    stack = Stack("s", StackPaths(tmp_path), topology(100))
    file = stack.paths.run("query") / "program.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"command": command}))
    assert SIX.possible(stack) is possible


def test_it_is_noticed_by_the_named_check_with_the_named_word() -> None:
    other, it = Finding("opens", Verdict.FAILED, "no"), Finding("laws", Verdict.FAILED, "opened after 6 failures")
    assert SIX.noticed(result(other, it)) is it


@pytest.mark.parametrize(
    "findings",
    [
        (),
        (Finding("laws", Verdict.PASSED, "opened after 6"),),
        (Finding("laws", Verdict.UNKNOWN, "opened after 6"),),
        (Finding("laws", Verdict.FAILED, "a call was refused"),),
        (Finding("opens", Verdict.FAILED, "opened after 6"),),
    ],
)
def test_another_check_another_verdict_or_another_word_does_not_count(findings: tuple[Finding, ...]) -> None:
    assert SIX.noticed(result(*findings)) is None


def test_what_has_to_be_unknown_is_not_noticed_where_something_failed() -> None:
    unknown = Sabotage("bypass", "query", None, "trip", "crossing", verdict=Verdict.UNKNOWN)
    finding = Finding("crossing", Verdict.UNKNOWN, "0 attempts")
    assert unknown.noticed(result(finding)) is finding
    assert unknown.noticed(result(finding, Finding("opens", Verdict.FAILED, ""))) is None
