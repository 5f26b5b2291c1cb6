"""A small stack for the faults: some components under a real supervisor, a small server in the model server's place."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from chaos.stack import Stack
from infra.settings import PROJECT_ROOT
from infra.targets.local import health, supervisor
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import Program, program
from infra.targets.local.programs import Stack as Programs
from infra.topology import topology
from tests.settings import settings
from tests.stacks import temporary_stack

EDGE = "query->ollama"
SECRETS = {"jwtSecret-app": "app-secret-".ljust(40, "x"), "interServiceSecret": "inter-service-secret"}


@contextmanager
def small_stack(*components: str) -> Iterator[Stack]:
    """The components, healthy on ports of their own; gone afterwards, also if the tests are killed."""
    with temporary_stack() as made:
        paths = StackPaths(made.home / made.name)
        values = settings(portOffset=made.offset, usePath=False)
        programs = Programs(topology(made.offset), values, paths)
        supervisor.start(paths)
        for name in components:
            _put(programs, name)
        for name in components:
            eventually(partial(_healthy, programs, name))
        yield Stack(made.name, paths, programs.topology, SECRETS)


def _healthy(programs: Programs, name: str) -> bool:
    check = programs.topology.component(name).health
    return health.problem(check.kind, programs.port(name, check.port), check.path) is None


def _put(programs: Programs, name: str) -> None:
    runs = program(programs, programs.topology.component(name))
    if name == "ollama":
        runs = _replaced(runs, programs.port(name))
    run = programs.paths.run(name)
    run.mkdir(parents=True)
    specification = {"command": runs.command, "environment": runs.environment}
    secrets = {name: [secret] for name, secret in SECRETS.items()}
    files = {**runs.files(secrets), **runs.live_files(secrets), "program.json": json.dumps(specification)}
    for file, content in files.items():
        (run / file).write_text(content)
    supervisor.put(programs.paths, name, stop_signal=runs.stop_signal)


def _replaced(runs: Program, port: int) -> Program:
    environment = {"PYTHONPATH": str(PROJECT_ROOT)}
    return replace(
        runs, command=(sys.executable, "-m", "tests.integration.chaos.server", str(port)), environment=environment
    )


def eventually(condition: Callable[[], object], seconds: float = 20) -> float:
    """Seconds until the condition holds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come true in time"
        time.sleep(0.01)
    return time.monotonic() - started
