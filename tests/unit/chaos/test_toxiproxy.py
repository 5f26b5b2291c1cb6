import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos import toxiproxy
from chaos.toxiproxy import Toxic, Toxiproxy, ToxiproxyError
from tests.ports import free_port

LATENCY = Toxic("slow", "latency", "downstream", {"latency": 100, "jitter": 0})


class Server(ThreadingHTTPServer):
    """Toxiproxy's API with one proxy; `heeds` decides whether a write changes anything, `status` what is answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.proxy: dict[str, Any] = {"name": "a->b", "listen": "l:1", "upstream": "u:1", "enabled": True}
        self.toxics: dict[str, Any] = {}
        self.heeds = True
        self.status = 200
        self.asked: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        found = self.path == "/proxies/a-%3Eb"
        self.answer(
            self.server.status if found else 404, {**self.server.proxy, "toxics": [*self.server.toxics.values()]}
        )

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(("POST", self.path))
        if not self.server.heeds:
            return self.answer(200, document)
        if self.path.endswith("/toxics"):
            if document["name"] in self.server.toxics:
                return self.answer(409, {"error": "toxic already exists"})
            self.server.toxics[document["name"]] = document
        else:
            self.server.proxy |= document
        return self.answer(200, document)

    def do_DELETE(self) -> None:
        self.server.asked.append(("DELETE", self.path))
        if self.server.heeds:
            del self.server.toxics[self.path.rpartition("/")[2]]
        self.answer(204, {})

    def answer(self, status: int, document: object) -> None:
        self.send_response(status)
        body = b"" if status == 204 else json.dumps(document).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server: Server) -> Toxiproxy:
    return Toxiproxy(server.server_port)


def test_a_toxic_is_put_once_and_removed_once(server: Server, client: Toxiproxy) -> None:
    for _ in range(2):
        client.put_toxic("a->b", LATENCY)
        assert client.proxy("a->b").toxics == (LATENCY,)
    for _ in range(2):
        client.remove_toxic("a->b", "slow")
        assert client.proxy("a->b").toxics == ()
    assert server.asked == [("POST", "/proxies/a-%3Eb/toxics"), ("DELETE", "/proxies/a-%3Eb/toxics/slow")]


def test_a_toxic_takes_the_place_of_another_of_its_name(client: Toxiproxy) -> None:
    client.put_toxic("a->b", LATENCY)
    other = Toxic("slow", "timeout", "upstream", {"timeout": 0})
    client.put_toxic("a->b", other)
    assert client.proxy("a->b").toxic("slow") == other


def test_a_proxy_is_disabled_enabled_and_pointed_elsewhere_once(server: Server, client: Toxiproxy) -> None:
    for _ in range(2):
        client.enable("a->b", False)
        client.point("a->b", "u:2")
    proxy = client.proxy("a->b")
    assert (proxy.enabled, proxy.upstream) == (False, "u:2")
    client.enable("a->b", True)
    assert client.proxy("a->b").enabled
    assert len(server.asked) == 3


WRITES: dict[str, Callable[[Toxiproxy], None]] = {
    "put": lambda client: client.put_toxic("a->b", LATENCY),
    "remove": lambda client: client.remove_toxic("a->b", "other"),
    "enable": lambda client: client.enable("a->b", False),
    "point": lambda client: client.point("a->b", "u:2"),
    "bounce": lambda client: client.bounce("a->b"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_that_has_no_effect_is_an_error_though_the_answer_was_a_success(
    server: Server, client: Toxiproxy, write: Callable[[Toxiproxy], None]
) -> None:
    client.put_toxic("a->b", Toxic("other", "timeout", "upstream", {"timeout": 0}))
    server.heeds = False
    with pytest.raises(ToxiproxyError, match=r"was given|still has"):
        write(client)


def test_a_status_of_500_is_an_error(server: Server, client: Toxiproxy) -> None:
    server.status = 500
    with pytest.raises(ToxiproxyError, match="status 500"):
        client.proxy("a->b")


def test_an_unknown_proxy_is_an_error(client: Toxiproxy) -> None:
    with pytest.raises(ToxiproxyError, match="has no /proxies/none"):
        client.proxy("none")


def test_nobody_there_is_an_error_and_so_is_one_who_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToxiproxyError, match="does not answer"):
        Toxiproxy(free_port()).proxy("a->b")
    monkeypatch.setattr(toxiproxy, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ToxiproxyError, match="timed out"):
        Toxiproxy(silent.getsockname()[1]).proxy("a->b")


def test_each_client_speaks_to_its_own_server_and_past_any_proxy_for_http(
    client: Toxiproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with Server() as second:
        second.proxy["upstream"] = "u:9"
        thread = threading.Thread(target=second.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert Toxiproxy(second.server_port).proxy("a->b").upstream == "u:9"
            assert client.proxy("a->b").upstream == "u:1"
        finally:
            second.shutdown()
            thread.join()
