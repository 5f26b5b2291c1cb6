"""What tools/ does with a bundle that is missing, damaged, or for another machine; the whole is in tests/airgap."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import PROJECT_ROOT
from infra.wheels import sha256

HERE = {"python": "{}.{}".format(*sys.version_info), "machine": platform.machine(), "glibc": "2.5"}
PROGRAMS = ("toxiproxy-server", "pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder out of a bundle's archive, with next to nothing in it."""
    shutil.copytree(PROJECT_ROOT / "tools", tmp_path / "tools")
    (tmp_path / "offline/wheels").mkdir(parents=True)
    (tmp_path / "offline/bin").mkdir()
    (tmp_path / "offline/wheels/a.whl").write_text("wheel")
    for name in PROGRAMS:
        program = tmp_path / "offline/bin" / name
        program.write_text(f"#!/bin/sh\n# {name}\n")
        program.chmod(0o755)
    write_sums(tmp_path / "offline")
    write_lock(tmp_path)
    return tmp_path


def write_sums(offline: Path) -> None:
    files = [*offline.glob("wheels/*"), *offline.glob("bin/*")]
    lines = [f"{sha256(file)}  {file.relative_to(offline)}\n" for file in files]
    (offline / "SHA256SUMS").write_text("".join(lines))


def write_lock(project: Path, **changes: str) -> None:
    (project / "offline/bundle.lock").write_text(json.dumps(HERE | changes, indent=2))


def tool(project: Path, *command: str, offline: str = "1") -> tuple[int, str]:
    python = Path(sys.base_prefix, "bin")
    environment = {"PATH": f"{python}:{os.defpath}:/usr/bin:/bin", "OFFLINE": offline, "HOME": str(project)}
    said = subprocess.run(
        [project / "tools" / command[0], *command[1:]],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return said.returncode, said.stdout


def test_the_python_that_the_bundle_is_for_is_found(project: Path) -> None:
    assert tool(project, "offline", "python") == (0, f"python{HERE['python']}\n")


@pytest.mark.parametrize(
    ("bundled", "told"),
    [
        ({"python": "3.98"}, f"made for Python 3.98 on .*; this machine has Python {HERE['python']}"),
        ({"machine": "riscv64"}, f"on riscv64 .*; this machine is {HERE['machine']}"),
        ({"glibc": "2.999"}, "with glibc 2.999 or newer; this machine has 2."),
    ],
)
@pytest.mark.parametrize("command", [("offline", "python"), ("setup",)])
def test_a_bundle_for_another_machine_is_refused_with_what_it_was_made_for(
    project: Path, bundled: dict[str, str], told: str, command: tuple[str, ...]
) -> None:
    write_lock(project, **bundled)
    status, said = tool(project, *command)
    assert status == 1
    assert re.search(told, said), said
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("command", ["setup", "build"])
def test_without_a_bundle_it_is_said_where_one_comes_from(project: Path, command: str) -> None:
    shutil.rmtree(project / "offline")
    status, said = tool(project, command)
    assert status == 1
    assert f"there is no bundle in {project}/offline" in said
    assert "`make bundle` writes one" in said


def test_a_changed_wheel_is_named_before_anything_is_installed(project: Path) -> None:
    (project / "offline/wheels/a.whl").write_text("other")
    status, said = tool(project, "setup")
    assert status == 1
    assert "wheels/a.whl: FAILED" in said
    assert "unpack the archive again" in said
    assert not (project / ".venv").exists()


def test_a_missing_wheel_is_named(project: Path) -> None:
    (project / "offline/wheels/a.whl").unlink()
    status, said = tool(project, "setup")
    assert status == 1
    assert "wheels/a.whl: FAILED open or read" in said


def test_a_changed_program_is_named_and_none_is_taken(project: Path) -> None:
    (project / "offline/bin/pulumi").write_text("other")
    status, said = tool(project, "build")
    assert status == 1
    assert "bin/pulumi: FAILED" in said
    assert list((project / ".tools/bin").iterdir()) == []


def test_programs_are_taken_once_for_each_bundle(project: Path) -> None:
    assert tool(project, "build") == (0, "")
    taken = project / ".tools/bin/pulumi"
    assert taken.read_text() == "#!/bin/sh\n# pulumi\n"
    taken.write_text("used")
    assert tool(project, "build") == (0, "")
    assert taken.read_text() == "used"
    (project / "offline/bin/pulumi").write_text("newer")
    write_sums(project / "offline")
    assert tool(project, "build") == (0, "")
    assert taken.read_text() == "newer"


def test_what_was_taken_counts_as_built(project: Path) -> None:
    tool(project, "build")
    assert tool(project, "build", offline="") == (0, "")
