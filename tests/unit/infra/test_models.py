import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.models import missing, pull


class FakeOllama(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, {"models": [{"name": "all-minilm:latest"}, {"name": "other:7b"}]})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["model"]
        if wanted == "refused":
            self._answer(500, {"error": "no network"})
        elif wanted == "broken":
            self._answer(200, {"status": "pulling"}, {"error": "disk full"})
        else:
            self._answer(200, {"status": "pulling"}, {"status": "success"})

    def _answer(self, status: int, *lines: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeOllama)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_name_without_a_tag_is_held_as_latest(url: str) -> None:
    assert missing(url, ["all-minilm", "all-minilm:latest", "other:7b"]) == []


def test_what_the_server_does_not_hold_is_missing_once(url: str) -> None:
    assert missing(url, ["new", "all-minilm", "new"]) == ["new"]


def test_a_pull_reports_its_progress(url: str) -> None:
    assert list(pull(url, "new")) == ["pulling", "success"]


@pytest.mark.parametrize(("model", "reason"), [("refused", "no network"), ("broken", "disk full")])
def test_a_failed_pull_says_the_servers_reason(url: str, model: str, reason: str) -> None:
    with pytest.raises(RuntimeError, match=f"cannot pull {model}: .*{reason}"):
        list(pull(url, model))
