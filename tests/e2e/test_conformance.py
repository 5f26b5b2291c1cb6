"""The black-box checks on a whole stack, of which they know its outputs alone."""

import json
from pathlib import Path

import pytest

from conformance.__main__ import main
from tests.e2e.conftest import Live


def test_the_stack_conforms_and_the_checks_leave_nothing_behind(
    live: Live, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = live.client.get("/api/v1/collections").json()
    ended = main(["--stack", live.stack.name, "--reports", str(tmp_path)])
    said = capsys.readouterr().out
    assert ended == 0, said
    assert live.client.get("/api/v1/collections").json() == before
    (record,) = tmp_path.glob("*/conformance.json")
    checks = json.loads(record.read_text())["checks"]
    assert {check["group"] for check in checks} >= {"routes", "ports", "vectors", "persistence", "limits", "end"}
    assert sum(check["verdict"] == "not applicable" for check in checks) <= 6, said
