"""A real Redis (or Valkey) for tests, the one that a stack would run, gone afterwards, also when they are killed."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

from infra.targets.local import health
from infra.targets.local.implementations import find
from infra.targets.local.launch import die_with_parent
from tests.ports import free_port

START_S = 10.0


@dataclass
class Server:
    """A Redis that can be killed and started again, empty, on the same port."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = find("redis", use_path=True).program
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [program, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads are started by these tests
        )
        deadline = monotonic() + START_S
        while problem := health.problem("redis", self.port, ""):
            assert monotonic() < deadline, problem
            sleep(0.01)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process
        self.process.wait(10)
        self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)


@contextmanager
def redis() -> Iterator[Server]:
    """A Redis that runs and is empty."""
    server = Server(free_port())
    try:
        server.start()
        yield server
    finally:
        if server.process:
            server.kill()
