"""A gateway beside a stack's own: the same program, configured by the same code, in front of the bare handler."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.searches import headers, target
from chaos.stack import Stack
from infra.free_ports import free_offset
from infra.settings import PROJECT_ROOT
from infra.stack_settings import stack_settings
from infra.targets.local import programs
from infra.targets.local.launch import die_with_parent
from infra.targets.local.paths import StackPaths
from infra.topology import topology

START_S = 20.0  # for a program to answer; it takes one second


@dataclass(frozen=True)
class Bare:
    """The bare handler, and the gateway in front of it: their addresses and processes."""

    address: str
    gateway: str
    pids: Mapping[str, int]


@dataclass(frozen=True)
class _Beside(programs.Stack):
    """The stack as the other gateway sees it: whatever it sends on goes to the bare handler."""

    handler: str = ""

    def address(self, consumer: str, dependency: str) -> str:
        return self.handler


@contextmanager
def bare_path(stack: Stack) -> Iterator[Bare]:
    """The bare handler behind a gateway of its own, both gone afterwards."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="breakwater-bench-")))
        shape = topology(free_offset())
        port = shape.component("query").port("http").host
        redis = f"redis://{stack.address('redis', 'redis')}/0"
        handler = [sys.executable, "-m", "benchmarks.bare", "--port", str(port), "--redis", redis]
        address = f"{programs.HOST}:{port}"
        secrets = {name: [secret] for name, secret in stack.secrets.items()}
        beside = _Beside(shape, replace(stack_settings(stack.name), chaos=False), StackPaths(folder), address)
        component = shape.component("kong")
        gateway = programs.program(beside, component)
        _write(beside.paths.run("kong"), gateway, secrets)
        pids = {"bare handler": opened.enter_context(_running(handler))}
        _wait(f"http://{address}/health")  # or the gateway would think it dead for a while
        pids["bare gateway"] = opened.enter_context(_running(gateway.command, gateway.environment))
        served = f"{programs.HOST}:{component.port('http').host}"
        _wait(f"http://{served}{target('anything')}", headers(stack))
        yield Bare(address, served, pids)


def _write(folder: Path, program: programs.Program, secrets: Mapping[str, Sequence[str]]) -> None:
    folder.mkdir(parents=True)
    for name, content in {**program.files(secrets), **program.live_files(secrets)}.items():
        (folder / name).write_text(content)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[int]:
    process = subprocess.Popen(
        command,
        cwd=PROJECT_ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread has been started yet
    )
    try:
        yield process.pid
    finally:
        process.kill()  # it has nothing to put in order
        process.wait()


def _wait(url: str, sent: Mapping[str, str] | None = None) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=dict(sent or {})), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
