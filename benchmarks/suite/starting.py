"""How long it takes until something is there."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.benchmark import Bench, benchmark, timed
from benchmarks.figures import Figure, at_most
from chaos.toxiproxy import HOST
from infra import workspace
from infra.free_ports import free_offset
from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from infra.topology import topology

UNCHANGED = at_most(10)  # seconds: the design's
WARM = at_most(60)
PATIENCE_S = 120.0


@benchmark(stack="proxied")
def starting(bench: Bench) -> Iterator[Figure]:
    """Seconds until the embedded engines serve, and until `pulumi up` and `make up` are through."""
    repeats = 2 if bench.effort.quick else 5
    yield Figure("embedded Ollama", "s", tuple(_engine(_ollama) for _ in range(repeats)), "lower")
    yield Figure("embedded Qdrant node", "s", tuple(_engine(_qdrant) for _ in range(repeats)), "lower")
    name = bench.stack.name
    with workspace.stack(name):
        cpu = _children_cpu_s()
        unchanged = tuple(timed(lambda: _pulumi("up", name)) for _ in range(repeats))
        spent = {"s of CPU: the Pulumi CLI and its plugins": (_children_cpu_s() - cpu) / repeats}
    yield Figure("pulumi up, no change", "s", unchanged, "lower", UNCHANGED, spent)
    parts: dict[str, float] = {}
    warm = []
    for _ in range(1 if bench.effort.quick else 3):
        _breakwater("down", name)
        with workspace.stack(name):
            parts["s: pulumi up of all components"] = timed(lambda: _pulumi("up", name))
        parts["s: documents, an answer, the status"] = timed(lambda: _breakwater("up", name))
        _breakwater("down", name)
        warm.append(timed(lambda: _breakwater("up", name)))
    yield Figure("make up, warm", "s", tuple(warm), "lower", WARM, parts)


def _children_cpu_s() -> float:
    """The processor time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _pulumi(command: str, stack: str) -> None:
    workspace.ask_pulumi(command, "--yes", "--skip-preview", "-s", stack)


def _breakwater(command: str, stack: str) -> None:
    """What `make up` and `make down` run once everything is installed."""
    run = [sys.executable, "-m", "infra.cli", command, "--stack", stack]
    subprocess.run(run, cwd=PROJECT_ROOT, check=True, capture_output=True)


def _ollama(port: int, folder: Path) -> tuple[Sequence[str], str]:
    command = ("infra.embedded.ollama", "--host", HOST, "--port", str(port), "--data", str(folder))
    return command, "/api/version"


def _qdrant(port: int, folder: Path) -> tuple[Sequence[str], str]:
    p2p = port + 1
    uri = f"http://{HOST}:{p2p}"
    command = (
        *("infra.embedded.qdrant", "--host", HOST, "--http-port", str(port), "--p2p-port", str(p2p)),
        *("--uri", uri, "--bootstrap", uri, "--storage", str(folder)),
    )
    return command, "/readyz"


def _engine(described: Callable[[int, Path], tuple[Sequence[str], str]]) -> float:
    port = topology(free_offset()).component("kong").port("http").host
    with TemporaryDirectory(prefix="breakwater-bench-") as folder:
        command, path = described(port, Path(folder))
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT_ROOT,
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread has been started yet
        )
        try:
            return _serving(f"http://{HOST}:{port}{path}", began) - began
        finally:
            process.kill()
            process.wait()


def _serving(url: str, began: float) -> float:
    while True:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return time.monotonic()
        if time.monotonic() > began + PATIENCE_S:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.01)
