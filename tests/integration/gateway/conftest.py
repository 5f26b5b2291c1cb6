"""One Envoy, rendered from a kong.yml, before small upstream servers; the whole package shares it."""

import ctypes
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.gateway import is_live
from infra.gateway.envoy import render_envoy
from infra.gateway.kong import GatewaySettings, RateLimit, kong_config
from infra.gateway.tokens import mint
from infra.targets.local.files import write
from infra.targets.local.implementations import find
from infra.topology import topology
from tests.ports import free_port
from tests.waiting import wait_for

PLENTY = RateLimit(1_000_000, 1_000_000)
LIMITS = {"app": PLENTY, "console": PLENTY, "few": RateLimit(5, 1000), "hourly": RateLimit(7, 7)}
SECRETS = {name: f"{name}-secret-".ljust(40, "x") for name in LIMITS}
SHORT_TIMEOUT_MS = 300  # of the route /api/v1/rag/status
PR_SET_PDEATHSIG = 1


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked; a query `do=` makes it misbehave."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Upstream"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer({})
        elif "do=hang" in self.path:
            self.server.proceed.wait(5)
            self.close_connection = True
        elif "do=close" in self.path:
            self.close_connection = True
        elif self.path.endswith("/events"):
            self.events()
        else:
            self.echo()

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def echo(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = {"server": self.server.name, "method": self.command, "path": self.path, "headers": headers}
        self.answer({**asked, "body_sum": sum(body), "body_length": len(body)})

    def events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        assert self.server.proceed.wait(5)
        self.wfile.write(b"data: two\n\n")
        self.close_connection = True

    def answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


class Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.proceed = threading.Event()
        self.address = f"127.0.0.1:{self.server_port}"


@contextmanager
def upstream(name: str) -> Iterator[Upstream]:
    with Upstream(name) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.proceed.set()
            server.shutdown()
            thread.join()


@dataclass
class Gateway:
    kong: dict[str, Any]
    directory: Path
    port: int
    admin_port: int
    upstreams: dict[str, Upstream]
    clients: dict[str | None, httpx.Client] = field(default_factory=dict)

    def client(self, consumer: str | None) -> httpx.Client:
        """A client with a token of that consumer, or with none."""
        if consumer not in self.clients:
            token = {"Authorization": f"Bearer {mint(consumer, SECRETS[consumer])}"} if consumer else {}
            self.clients[consumer] = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=token)
        return self.clients[consumer]

    def render(self) -> dict[str, str]:
        return render_envoy(self.kong, listen_port=self.port, admin_port=self.admin_port, directory=str(self.directory))

    def weigh(self, **weights: int) -> None:
        """Give the two targets of `query` other weights, as a rollout does."""
        for target in self.kong["upstreams"][0]["targets"]:
            (server,) = (s for s in self.upstreams.values() if s.address == target["target"])
            target["weight"] = weights[server.name]
        self.hand_out()

    def hand_out(self) -> None:
        """Write what the gateway takes up as it runs, as a deployment does."""
        write(self.directory, {name: content for name, content in self.render().items() if is_live(name)})


def kong(upstreams: dict[str, Upstream]) -> dict[str, Any]:
    """The project's own configuration with a second target for `query` and none that lives for `collections`."""
    closed = f"127.0.0.1:{free_port()}"
    addresses = {"query": upstreams["blue"].address, "collections": closed}
    config = kong_config(
        topology(),
        lambda _consumer, name: addresses.get(name, upstreams["other"].address),
        GatewaySettings(SECRETS, rate_limits=LIMITS),
    )
    config["upstreams"][0]["targets"].append({"target": upstreams["green"].address, "weight": 0})
    (status,) = (service for service in config["services"] if service["name"] == "rag-status")
    status["read_timeout"] = status["write_timeout"] = SHORT_TIMEOUT_MS
    (hourly,) = (consumer for consumer in config["consumers"] if consumer["username"] == "hourly")
    del hourly["plugins"][0]["config"]["minute"]
    return config


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("gateway")
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(upstream(name)) for name in ("blue", "green", "other")}
        running = Gateway(kong(upstreams), directory, free_port(), free_port(), upstreams)
        for name, text in running.render().items():
            (directory / name).write_text(text)
        log = stack.enter_context((directory / "envoy.log").open("w"))
        program = find("kong", use_path=False).program
        options = ["--concurrency", "2", "--disable-hot-restart", "--log-level", "warn"]
        process = subprocess.Popen(
            [program, "-c", str(directory / "bootstrap.json"), *options, "--file-flush-interval-msec", "100"],
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call that takes no lock
        )
        stack.callback(process.wait, 10)
        stack.callback(process.kill)
        wait_for(lambda: ready(running.admin_port), f"Envoy is ready; its log is {directory}/envoy.log")
        yield running
        for client in running.clients.values():
            client.close()


def ready(admin_port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{admin_port}/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def app(gateway: Gateway) -> httpx.Client:
    return gateway.client("app")


@pytest.fixture
def anonymous(gateway: Gateway) -> httpx.Client:
    return gateway.client(None)
