import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.drift.components import drifts
from infra.manifest import Manifest
from infra.targets.local import health, manifest, postgres, programs, supervisor
from infra.targets.local.files import write
from infra.targets.local.found import _is_of, found
from infra.targets.local.implementations import Implementation
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import Program, Stack, program
from infra.topology import topology
from tests.settings import settings

SECRETS = {name: ["s" * 43] for name in ("databasePassword", "interServiceSecret", "jwtSecret-app")}
NAME = "query"


class Standing:
    """A stack of which one component runs, as far as the kernel and the supervisor can tell."""

    def __init__(self, stack: Stack, wanted: Manifest) -> None:
        self.stack, self.wanted = stack, wanted
        self.component = self.wanted.component(NAME)
        self.state: dict[str, Any] = {"statename": "RUNNING", "pid": 0}
        runs = program(self.stack, self.stack.topology.component(NAME))
        self.document: dict[str, Any] = {
            "command": list(runs.command),
            "environment": runs.environment,
            "health": {"kind": "http"},
            "stopSignal": "TERM",
            "implementation": vars(runs.implementation),
            "source": runs.source,
        }
        self.deployed = dict(self.document)
        files = {**runs.files(SECRETS), **runs.live_files(SECRETS)}
        write(self.folder, {**files, "program.json": json.dumps(self.document)})

    @property
    def folder(self) -> Path:
        return self.stack.paths.run(NAME)

    def told(self) -> list[tuple[str, str]]:
        assert self.component
        only = Manifest("test", "local", (self.component,), (3, 2))
        there = found(self.stack, only, only, SECRETS, {NAME: self.deployed})
        return [(drift.kind, drift.what) for drift in drifts(only, there, only)]


@pytest.fixture(scope="module", autouse=True)
def implementation() -> Iterator[None]:
    """Nothing of this machine decides what the tests see."""
    with pytest.MonkeyPatch.context() as patch:
        found = Implementation("real", "this project", "1.0", sys.executable)
        patch.setattr(programs, "find", lambda _name, **_: found)
        patch.setattr(postgres, "_has_timescaledb", lambda _: False)
        yield


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stack, Manifest]:
    paths = StackPaths(tmp_path_factory.mktemp("stack"))
    made = Stack(topology(), settings(), paths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StackPaths, "of", lambda _: paths)
        return made, manifest.wanted(made.topology, made.settings)


@pytest.fixture
def standing(stack: tuple[Stack, Manifest], monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    made = Standing(*stack)
    monkeypatch.setattr(supervisor, "states", lambda _: {NAME: made.state} if made.state else {})
    yield made
    shutil.rmtree(made.stack.paths.root)


def test_a_component_that_starts_as_it_is_to_be_does_not_drift(standing: Standing) -> None:
    assert standing.told() == []


def test_a_component_is_missing_stopped_or_crashing(standing: Standing) -> None:
    standing.state = {"statename": "STOPPED", "pid": 0}
    assert standing.told() == [("stopped", "")]
    standing.state = {"statename": "FATAL", "pid": 0}
    assert standing.told() == [("crashing", "")]
    standing.state = {}
    assert standing.told() == [("missing", "")]


@pytest.mark.parametrize(("ago", "crashes"), [((60, 3, 2, 1), True), ((60, 2, 1), False), ((90, 80, 70, 60), False)])
def test_a_component_crashes_that_was_started_again_three_times_lately(
    standing: Standing, ago: tuple[int, ...], crashes: bool
) -> None:
    starts = [f"{time.time() - seconds:.3f}\n" for seconds in ago]
    (standing.folder / "starts").write_text("".join(starts))
    assert standing.told() == ([("crashing", "")] if crashes else [])


def test_files_that_differ_are_told_by_the_time_that_they_are_read(standing: Standing) -> None:
    (standing.folder / "database_password").write_text("another")
    (standing.folder / "inter_service_secret").unlink()
    assert standing.told() == [("file", "database_password"), ("live file", "inter_service_secret")]


def test_what_it_was_started_from_is_compared_with_what_was_deployed(standing: Standing) -> None:
    changed = {**standing.document, "source": "older", "stopSignal": "KILL"}
    changed["implementation"] = {**standing.document["implementation"], "version": "0.9"}
    (standing.folder / "program.json").write_text(json.dumps(changed))
    assert set(standing.told()) == {("source", ""), ("version", ""), ("specification", "stopSignal")}


@pytest.fixture
def process(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Another program in its place, with a variable too many and one that everyone inherits."""
    monkeypatch.setattr(health, "problem", lambda *_, **__: None)
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    assert standing.component
    environment = {**standing.component.environment, "PATH": os.environ["PATH"], "SUPERVISOR_ENABLED": "1", "MORE": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        standing.state["pid"] = process.pid
        yield process
        process.kill()


def test_a_process_is_compared_as_the_kernel_has_it(standing: Standing, process: subprocess.Popen[bytes]) -> None:
    assert set(standing.told()) == {("command", ""), ("environment", "MORE"), ("port", "")}


def test_a_suspended_process_is_told(standing: Standing, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    assert ("paused", "") in standing.told()


def test_a_process_that_does_not_answer_is_told(
    standing: Standing, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "problem", lambda *_, **__: "status 500")
    assert ("silent", "") in standing.told()


def test_the_gateways_files_are_known_though_their_names_come_from_secrets(standing: Standing) -> None:
    gateway = standing.stack.topology.component("kong")
    runs: Program = program(standing.stack, gateway)
    write(standing.stack.paths.run("kong"), {**runs.files(SECRETS), **runs.live_files(SECRETS)})
    write(standing.stack.paths.run("kong"), {"program.json": json.dumps(standing.document)})
    kong = standing.wanted.component("kong")
    assert kong
    only = Manifest("test", "local", (kong,), (3, 2))
    supervised = {"kong": {"statename": "RUNNING", "pid": 0}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "states", lambda _: supervised)
        there = found(standing.stack, only, only, SECRETS, {})
    (component,) = there.components
    assert (component.files, component.live_files) == (kong.files, kong.live_files)


def test_postgres_and_a_script_are_known_by_what_they_become(standing: Standing, tmp_path: Path) -> None:
    wanted = standing.wanted.component("timescaledb")
    assert wanted
    server = postgres.server(postgres.parsed(wanted.command[3:]))
    assert _is_of(server, wanted)
    assert not _is_of((*server, "-cfsync=off"), wanted)
    script = tmp_path / "envoy"
    script.write_text("#!/usr/bin/python3\n")
    kong = standing.wanted.component("kong")
    assert kong
    as_script = replace(kong, command=(str(script), *kong.command[1:]))
    assert _is_of(("/opt/bin/envoy", *kong.command[1:]), as_script)
    assert not _is_of(("/opt/bin/envoy", *kong.command[1:], "--more"), as_script)
