"""Starts and ends Locust: one process, or a master with workers on this machine or others."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from loadtests.plan import VARIABLE, Plan

LOCUSTFILE = PROJECT_ROOT / "loadtests" / "locustfile.py"
STOP_S = 20.0
WAIT_S = 600  # for workers of other machines, which somebody has to start
PORT = 5557  # Locust's own, at which workers of other machines find the master


class GeneratorError(RuntimeError):
    """Locust does not run; the message says what it said."""


@dataclass(frozen=True)
class Layout:
    """How the generator is laid out: `local` workers and `remote` ones; without any, one process does it all."""

    local: int = 0
    remote: int = 0
    bind: str = "127.0.0.1"  # where the master waits for workers
    port: int = PORT
    ui: int | None = None  # the port of Locust's web page

    @property
    def generators(self) -> int:
        """How many processes make requests."""
        return max(1, self.local + self.remote)


def first_command(layout: Layout, url: str) -> list[str]:
    """The command of the process that makes the requests, or of the master."""
    page = (
        ["--headless"]
        if layout.ui is None
        else ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(layout.ui), "--autoquit", "5"]
    )
    workers = layout.local + layout.remote
    role = []
    if workers:
        role = ["--master", "--master-bind-host", layout.bind, "--master-bind-port", str(layout.port)]
        role += ["--expect-workers", str(workers), "--expect-workers-max-wait", str(WAIT_S)]
    return [*_LOCUST, *page, *role, "--host", url, "--only-summary", "--stop-timeout", "2", "--exit-code-on-error", "0"]


def worker_command(master: str, port: int) -> list[str]:
    """The command of a worker."""
    return [*_LOCUST, "--worker", "--master-host", master, "--master-port", str(port)]


_LOCUST = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]


def without_settings(outside: Mapping[str, str]) -> dict[str, str]:
    """An environment for Locust in which no setting of its own, be it a variable or a file, changes the load."""
    kept = {name: value for name, value in outside.items() if not name.startswith("LOCUST_")}
    return {**kept, "HOME": str(LOCUSTFILE.parent), "PYTHONPATH": str(PROJECT_ROOT)}


def free_port() -> int:
    """A port of this machine that is free at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Generator:
    """Locust's processes, the first of which ends by itself when the load is over."""

    processes: Sequence[subprocess.Popen[bytes]]
    log: Path

    @property
    def running(self) -> bool:
        """Whether the load goes on; raises GeneratorError if Locust has failed."""
        status = self.processes[0].poll()
        if status:
            raise GeneratorError(f"Locust ended with status {status}: {self.said}")
        return status is None

    @property
    def pids(self) -> list[int]:
        """The processes of this machine."""
        return [process.pid for process in self.processes]

    @property
    def said(self) -> str:
        """The end of what Locust has said."""
        return self.log.read_text(errors="replace")[-2000:].strip()

    def stop(self) -> None:
        """End the load early; what is under way is lost."""
        self.processes[0].terminate()


@contextmanager
def generator(plan: Plan, layout: Layout, folder: Path) -> Iterator[Generator]:
    """Locust runs inside the block; `folder` gets the plan, which holds tokens, and Locust's log."""
    path, log = folder / "plan.json", folder / "locust.log"
    plan.save(path)
    commands = [first_command(layout, plan.url)]
    commands += [worker_command(layout.bind, layout.port)] * layout.local
    variables = {**without_settings(os.environ), VARIABLE: str(path)}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as output:
            processes.extend(_started(command, folder, variables, output) for command in commands)
        yield Generator(processes, log)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
            process.wait()
        path.unlink(missing_ok=True)


def _started(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - this program has no threads when it starts Locust
    )
