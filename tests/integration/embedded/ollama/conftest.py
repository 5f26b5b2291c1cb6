"""The embedded Ollama as a process, with the real model; the whole package shares it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from infra.settings import PROJECT_ROOT
from tests.ports import free_port

START_S = 20.0  # the first start builds the model's graph


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    process: psutil.Process
    data: Path
    idle_mb: float  # memory after the start


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ollama")
    port = free_port()
    command = [sys.executable, "-m", "infra.embedded.ollama", "--port", str(port), "--data", str(folder / "data")]
    specification = {"command": command, "environment": {"PYTHONPATH": str(PROJECT_ROOT)}}
    (folder / "program.json").write_text(json.dumps(specification))
    with (folder / "log").open("wb") as log:
        # The launcher has the kernel kill the server when the tests die.
        launch = [sys.executable, "-m", "infra.targets.local.launch", str(folder / "program.json")]
        process = subprocess.Popen(launch, cwd=PROJECT_ROOT, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_answer(url, process)
        running = psutil.Process(process.pid)
        yield Server(url, running, folder / "data", running.memory_info().rss / 1e6)
    finally:
        process.terminate()
        assert process.wait(10) == 0


def wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it does not answer"
        try:
            httpx.get(f"{url}/api/version").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="package")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client
