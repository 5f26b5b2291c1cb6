"""Two services as processes: how they start, log, pass a request on and end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from tests.ports import free_port
from tests.servers import REFUSING

START_S = 30.0
SECRET = "the-secret-between-services"


@dataclass
class Service:
    url: str
    process: subprocess.Popen[bytes]
    output: Path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def await_start(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                httpx.get(f"{self.url}/health").raise_for_status()
            except httpx.TransportError:
                assert time.monotonic() < deadline, self.output.read_text()
                time.sleep(0.02)
            else:
                return


def run(module: str, output: Path, **environment: object) -> subprocess.Popen[bytes]:
    told = {name: str(value) for name, value in environment.items()}
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}
    with output.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT_ROOT,
            env=kept | told,
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads run here that could hold a lock
        )


@contextmanager
def service(module: str, output: Path, **environment: object) -> Iterator[Service]:
    port = free_port()
    process = run(module, output, PORT=port, **environment)
    yield Service(f"http://127.0.0.1:{port}", process, output)
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """rag-service and query, with nothing behind them."""
    folder = tmp_path_factory.mktemp("services")
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "docs").mkdir()
    secret = {"INTER_SERVICE_SECRET_FILE": folder / "secret"}
    absent = {"QDRANT_URLS": REFUSING, "OLLAMA_URL": REFUSING, "DATABASE_URL": "postgresql://rag@127.0.0.1:1/rag"}
    with ExitStack() as running:
        query = running.enter_context(service("services.query", folder / "query.log", **secret, **absent))
        told = {"QUERY_URL": query.url, "DOCS_ROOT": folder / "docs"}
        rag = running.enter_context(service("services.rag", folder / "rag.log", **secret, **told))
        for started in (query, rag):
            started.await_start()
        yield rag, query


def test_without_its_secret_a_service_ends_with_status_2_and_a_clear_line(tmp_path: Path) -> None:
    process = run("services.rag", tmp_path / "log", PORT=free_port())
    assert process.wait(START_S) == 2
    assert (tmp_path / "log").read_text() == "refusing to start: INTER_SERVICE_SECRET: Field required\n"


def logged(service: Service, request_id: str) -> list[dict[str, Any]]:
    """The lines of a request, once they are there: they follow the answer."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        mine = [line for line in service.lines() if line["request_id"] == request_id]
        if found := [line for line in mine if line["event"] == "request"]:
            return found
        time.sleep(0.01)
    return []


def test_a_request_keeps_its_id_through_every_hop_and_log(services: tuple[Service, Service]) -> None:
    rag, query = services
    answer = httpx.get(f"{rag.url}/api/v1/rag/search?q=private", headers={"X-Request-ID": "hop-1"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "Ollama does not answer" in answer.json()["detail"]
    assert answer.headers["x-request-id"] == "hop-1"
    assert "server" not in answer.headers
    for hop, name, path in ((rag, "rag-service", "/api/v1/rag/search"), (query, "query", "/internal/search")):
        (line,) = logged(hop, "hop-1")
        assert (line["service"], line["path"], line["status"]) == (name, path, 503)
        assert line["ms"] > 0


def test_no_secret_and_no_question_is_in_the_output(services: tuple[Service, Service]) -> None:
    rag, query = services
    httpx.post(f"{rag.url}/api/v1/rag/query", json={"question": "private"})
    httpx.get(f"{query.url}/internal/status", headers={"X-Service-Token": "private"})
    for hop in services:
        output = hop.output.read_text()
        assert SECRET not in output
        assert "private" not in output


def test_a_service_ends_within_its_time_when_told_to(services: tuple[Service, Service]) -> None:
    for running in reversed(services):
        started = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) in (0, -signal.SIGTERM)
        assert time.monotonic() - started < 5
        assert running.lines()  # to the end nothing but JSON
