"""Loads of seconds on a small server, with Locust in its processes, from the command line to the report."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loadtests import __main__ as command

EVENTS = b"event: sources\ndata: {}\n\nevent: token\ndata: {}\n\nevent: done\ndata: {}\n\n"


class Handler(BaseHTTPRequestHandler):
    """Answers as a gateway does, questions that ask for it in events, and counts."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        self._answer(b'{"results": []}')

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(EVENTS if asked.get("stream") else b'{"answer": ""}')

    def _answer(self, body: bytes) -> None:
        self.server.asked[self.headers["Authorization"]] += 1
        failing = self.server.fails_after is not None and self.server.asked.total() > self.server.fails_after
        self.send_response(500 if failing else 200)
        self.send_header("X-From-Cache", "true")
        if body is EVENTS:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (EVENTS[:40], EVENTS[40:], b""):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """`fails_after` so many requests it answers with 500."""

    daemon_threads = True
    fails_after: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()

    def handle_error(self, *_: object) -> None:
        """Callers hang up."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("TOKEN", "a-token")
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)  # Locust is slow enough without being measured
    monkeypatch.setattr(command, "REPORTS", tmp_path)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def load(server: Server, *options: str) -> int:
    url = f"http://127.0.0.1:{server.server_port}"
    return command.main(["run", "--host", url, "--shape", "smoke", *options])


def summary(reports: Path) -> dict[str, Any]:
    (folder,) = reports.iterdir()
    assert not (folder / "plan.json").exists()  # it held the token
    for name in ("report.html", "junit.xml", "seconds.csv", "operations.csv", "components.csv"):
        assert (folder / name).stat().st_size > 0
    read: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return read


def test_a_smoke_asks_for_everything_at_its_rate(server: Server, tmp_path: Path) -> None:
    code = load(server, "--rate", "40", "--seconds", "3")
    found = summary(tmp_path)
    whole = found["whole"]["whole"]
    assert whole["requests"] == 120
    assert len(found["whole"]["operations"]) == 9
    assert whole["outcomes"] == {"cached": 120}
    assert set(server.asked) == {"Bearer a-token"}
    assert {each["name"] for each in found["components"]} == {"generator", "this program"}
    assert code == {"passed": 0, "unknown": 3}[found["verdict"]]  # on a busy machine the generator is late


def test_workers_share_a_load(server: Server, tmp_path: Path) -> None:
    load(server, "--rate", "40", "--seconds", "2", "--workers", "2")
    found = summary(tmp_path)
    assert found["whole"]["whole"]["requests"] == 80
    (folder,) = tmp_path.iterdir()
    told = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    assert {each["generator"] for each in told} == {"1", "2"}


def test_a_stack_that_fails_under_load_fails(server: Server, tmp_path: Path) -> None:
    server.fails_after = 250  # the first time that all is asked is over then
    assert load(server, "--rate", "40", "--seconds", "2") == 1
    assert summary(tmp_path)["problems"][0]["why"] == "status 500"


def test_a_load_that_could_only_fail_does_not_begin(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fails_after = 10
    assert load(server) == 2
    assert "is answered with 500" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
