import os
import sys
from pathlib import Path

import pytest

from infra.targets.local.implementations import find

OWN = str(Path(sys.executable).parent)


def test_what_lies_beside_this_python_is_packaged_also_when_it_is_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [folder for folder in os.get_exec_path() if folder != OWN]
    monkeypatch.setenv("PATH", os.pathsep.join(others))
    as_commands_see_it = find("kong", use_path=True)
    monkeypatch.setenv("PATH", os.pathsep.join((OWN, *others)))
    as_pulumis_program_sees_it = find("kong", use_path=True)
    assert as_commands_see_it == as_pulumis_program_sees_it
    assert Path(OWN, "envoy").exists()


def test_another_program_on_path_comes_first_where_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "envoy"
    program.write_text("#!/bin/sh\necho envoy 1.2.3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find("kong", use_path=True).program == str(program)
    assert find("kong", use_path=False).program != str(program)
