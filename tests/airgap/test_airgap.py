import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from infra.settings import PROJECT_ROOT
from tests.airgap.conftest import Carried
from tests.namespaces import Namespace

OUTSIDE = """
import socket
for what in (lambda: socket.create_connection(("1.1.1.1", 443), 2), lambda: socket.getaddrinfo("asked.example", 443)):
    try:
        what()
    except OSError as error:
        print(error)
"""

pytestmark = pytest.mark.timeout(500)


def test_the_archive_holds_the_project_and_what_it_installs_and_nothing_of_this_machine(carried: Carried) -> None:
    with tarfile.open(carried.archive) as tar:
        names = [member.name.partition("/") for member in tar if member.isfile()]
    assert len({folder for folder, _, _ in names}) == 1
    inside = {name for _, _, name in names}
    assert {"Makefile", "offline/bundle.lock", "offline/SHA256SUMS", "offline/bin/pulumi"} <= inside
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT_ROOT, check=True, capture_output=True, text=True).stdout
    beside = inside - set(tracked.splitlines())
    assert all(re.fullmatch(r"offline/(bin/[a-z-]+|wheels/\S+\.whl|bundle\.lock|SHA256SUMS)", name) for name in beside)


def test_the_machine_has_no_route(machine: Namespace) -> None:
    status, said = machine.run(sys.executable, "-c", OUTSIDE, cwd=machine.folder)
    assert status == 0
    assert said.splitlines()[0].endswith("Network is unreachable")
    assert "Temporary failure in name resolution" in said.splitlines()[1]
    assert "asked.example" in machine.asked()


def test_a_changed_wheel_is_named_and_nothing_is_installed(machine: Namespace, carried: Carried, project: Path) -> None:
    wheel = next((project / "offline/wheels").glob("rich-*.whl"))
    genuine = wheel.read_bytes()
    wheel.write_bytes(genuine[:-1] + b"!")
    status, said = machine.run(*carried.up.split(), cwd=project)
    wheel.write_bytes(genuine)
    assert status == 2
    assert f"wheels/{wheel.name}: FAILED" in said
    assert not (project / ".venv").exists()


def test_up_ends_with_an_answered_question(up: str) -> None:
    assert "setup: installing" in up
    assert "[1] " in up
    assert "export TOKEN=" in up


def test_a_second_up_installs_nothing(up: str, machine: Namespace, carried: Carried, project: Path) -> None:
    status, said = machine.run(*carried.up.split(), cwd=project)
    assert status == 0, said
    assert "setup:" not in said
    assert "unchanged" in said


def test_down_leaves_neither_a_process_nor_data(up: str, machine: Namespace, project: Path) -> None:
    assert machine.processes()
    status, said = machine.run("make", "down", "PURGE=1", cwd=project)
    assert status == 0, said
    assert machine.processes() == []
    assert not (machine.folder / "data/local").exists()


def test_nothing_has_asked_for_a_name(up: str, machine: Namespace) -> None:
    assert {name for name in machine.asked() if not name.startswith("asked.example")} == set()


def test_nothing_outlives_a_killed_test(machine: Namespace, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from tests.namespaces import without_a_route as w; d = pathlib.Path(sys.argv[1])\n"
        "with w(d, {'PATH': '/usr/bin:/bin'}) as n: print(flush=True); n.run('sleep', '4711', cwd=d)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE) as tester:
        assert tester.stdout
        tester.stdout.readline()
        _until(lambda: _sleeping() != [])
        os.kill(tester.pid, signal.SIGKILL)
    _until(lambda: _sleeping() == [])


def _sleeping() -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "4711"]]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
