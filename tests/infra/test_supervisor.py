"""The supervisor daemon and the dynamic resources, with a small program in a component's place."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.targets.local import health, supervisor
from infra.targets.local.paths import StackPaths
from infra.targets.local.resources import (
    JobProvider,
    ProcessProvider,
    StartError,
    SupervisorProvider,
)
from infra.targets.secret_resource import SecretProvider
from tests.ports import free_port

SERVER = "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def one_supervisor() -> Iterator[StackPaths]:
    root = Path(tempfile.mkdtemp(prefix="bw-"))  # short: a socket's path is limited
    yield StackPaths(root)
    supervisor.stop(StackPaths(root))
    shutil.rmtree(root)


@pytest.fixture
def paths(one_supervisor: StackPaths) -> Iterator[StackPaths]:
    """A supervisor that may be left over from the last test, without its program and log."""
    yield one_supervisor
    supervisor.remove(one_supervisor, "web")
    shutil.rmtree(one_supervisor.run("web"), ignore_errors=True)
    one_supervisor.log("web").unlink(missing_ok=True)


def props(paths: StackPaths, port: int, code: str = SERVER, **changes: Any) -> dict[str, Any]:
    return {
        "root": str(paths.root),
        "component": "web",
        "command": [sys.executable, "-c", code.format(port=port)],
        "environment": {"COLOUR": "blue"},
        "files": {"secret": "s3cret"},
        "liveFiles": {},
        "health": {"kind": "http", "port": str(port), "path": "/", "startSeconds": "10"},
        "implementation": {"kind": "real", "name": "test", "version": "1", "program": "", "difference": ""},
        "stopSignal": "TERM",
        "source": "",
        **changes,
    }


def pid(paths: StackPaths) -> int:
    return int(supervisor.states(paths)["web"]["pid"])


def test_a_process_is_up_when_create_returns_and_gone_after_delete(paths: StackPaths) -> None:
    wanted = props(paths, free_port())
    provider = ProcessProvider()
    created = provider.create(wanted)
    assert health.problem("http", int(wanted["health"]["port"]), "/") is None
    assert provider.read(created.id, created.outs or {}).id == "web"
    runs = pid(paths)
    assert psutil.Process(runs).environ()["COLOUR"] == "blue"
    provider.delete(created.id, wanted)
    assert not psutil.pid_exists(runs)
    assert not paths.run("web").exists()
    assert provider.read(created.id, wanted).id == ""


def test_the_files_of_a_process_are_its_owners_alone(paths: StackPaths) -> None:
    ProcessProvider().create(props(paths, free_port()))
    for file in ("secret", "program.json"):
        assert (paths.run("web") / file).stat().st_mode & 0o077 == 0
    assert "s3cret" not in (paths.run("web") / "program.json").read_text()


def test_a_killed_process_is_back_and_counted(paths: StackPaths) -> None:
    wanted = props(paths, free_port())
    ProcessProvider().create(wanted)
    eventually(lambda: supervisor.states(paths)["web"]["statename"] == "RUNNING")
    first = pid(paths)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid(paths) not in {0, first}, 5)
    eventually(lambda: health.problem("http", int(wanted["health"]["port"]), "/") is None, 5)
    assert len((paths.run("web") / "starts").read_text().splitlines()) == 2


def test_no_process_outlives_a_killed_supervisor_and_the_next_start_repairs(paths: StackPaths) -> None:
    wanted = props(paths, free_port())
    provider, daemon = ProcessProvider(), SupervisorProvider()
    daemon.create({"root": str(paths.root)})
    provider.create(wanted)
    runs = pid(paths)
    os.kill(int((paths.root / "supervisord.pid").read_text()), signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(runs))
    assert provider.read("web", wanted).id == ""
    assert daemon.read(str(paths.root), {"root": str(paths.root)}).id == ""
    provider.create(wanted)
    assert health.problem("http", int(wanted["health"]["port"]), "/") is None


def test_a_stopped_process_is_read_as_gone(paths: StackPaths) -> None:
    wanted = props(paths, free_port())
    ProcessProvider().create(wanted)
    supervisor.call(paths, "stopProcess", "web")
    assert ProcessProvider().read("web", wanted).id == ""


def test_a_failed_start_shows_the_log_and_leaves_nothing_running(paths: StackPaths) -> None:
    wanted = props(paths, free_port(), "import sys; print('cannot find my config'); sys.exit(3)")
    wanted["health"]["startSeconds"] = "1"
    with pytest.raises(
        StartError, match=r"web is not healthy after 1 s: GET / on port \d+.*\n.*(.|\n)*cannot find my config"
    ):
        ProcessProvider().create(wanted)
    assert supervisor.states(paths) == {}


def test_an_update_replaces_the_process(paths: StackPaths) -> None:
    wanted = props(paths, free_port())
    provider = ProcessProvider()
    provider.create(wanted)
    first = pid(paths)
    changed = {**wanted, "environment": {"COLOUR": "green"}}
    assert provider.diff("web", wanted, changed).changes
    assert not provider.diff("web", {**wanted, "__provider": "a"}, {**wanted, "__provider": "b"}).changes
    provider.update("web", wanted, changed)
    assert not psutil.pid_exists(first)
    assert psutil.Process(pid(paths)).environ()["COLOUR"] == "green"


def test_deleting_the_supervisor_stops_what_pulumi_does_not_know_of(paths: StackPaths) -> None:
    ProcessProvider().create(props(paths, free_port()))
    runs = pid(paths)
    SupervisorProvider().delete("", {"root": str(paths.root)})
    assert not psutil.pid_exists(runs)
    assert sorted(p.name for p in paths.root.iterdir()) == ["logs", "supervisor.lock", "supervisord.log"]


def test_a_component_inherits_no_secret_of_the_shell(paths: StackPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hidden")
    ProcessProvider().create(props(paths, free_port()))
    assert "PULUMI_CONFIG_PASSPHRASE" not in psutil.Process(pid(paths)).environ()


def test_a_socket_path_that_the_kernel_cannot_hold_is_refused() -> None:
    with pytest.raises(supervisor.SupervisorError, match="set BREAKWATER_HOME to a shorter path"):
        supervisor.start(StackPaths(Path("/tmp") / ("x" * 120)))


def test_a_job_runs_to_its_end(paths: StackPaths) -> None:
    JobProvider().create(props(paths, 0, "import pathlib; pathlib.Path('done').write_text('yes'); print('ran')"))
    assert (paths.run("web") / "done").read_text() == "yes"
    assert paths.log("web").read_text() == "ran\n"


def test_a_failed_job_shows_its_log(paths: StackPaths) -> None:
    with pytest.raises(StartError, match="web ended with status 4:\nno such table"):
        JobProvider().create(props(paths, 0, "import sys; print('no such table'); sys.exit(4)"))


def test_a_job_over_its_time_is_ended(paths: StackPaths) -> None:
    wanted = props(paths, 0, "import time; time.sleep(60)")
    wanted["health"]["startSeconds"] = "0.3"
    with pytest.raises(StartError, match="web is not done"):
        JobProvider().create(wanted)


def test_a_secret_is_random_and_kept_by_an_update() -> None:
    first, second = (SecretProvider().create({"label": "a"}).outs or {} for _ in range(2))
    assert first["value"] != second["value"]
    assert len(first["value"]) >= 43
    assert (SecretProvider().update("a", first, {"label": "a"}).outs or {})["value"] == first["value"]


def test_the_specification_holds_what_the_status_shows(paths: StackPaths) -> None:
    ProcessProvider().create(props(paths, free_port()))
    specification = json.loads((paths.run("web") / "program.json").read_text())
    assert specification["implementation"]["name"] == "test"
    assert "files" not in specification


CHILD = "from infra.targets.local.launch import die_with_parent; die_with_parent(); print(1, flush=True); input()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid)
"""


def test_launch_ends_with_its_parent() -> None:
    child = int(subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, check=True).stdout)
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
