"""A stack of small servers that answer as a test says."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

from conformance.run import Result, run
from conformance.stack import Stack
from infra.manifest import Deployed, Manifest, Published
from infra.targets.services import SERVICES

SECRETS = {
    name: name.ljust(40, "x") for name in ("databasePassword", "interServiceSecret", "jwtSecret-app", "jwtSecret-other")
}
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """A request as a server got it."""

    method: str
    path: str
    headers: Any = field(repr=False)
    body: bytes = b""

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """What a server answers: JSON, or bytes as they are."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Said]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Answer


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = self.server.answer(Asked(self.command, self.path, self.headers, body))
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", "X-Request-ID": "1", **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the base class calls it by this name

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """A server that answers so; gives its port."""
    server = _Server((LOOPBACK, 0), _Handler)
    server.answer = answer
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def gateway_404(_: Asked) -> Said:
    """What the gateway says of what it has no route for."""
    return Said(404, {"message": "no Route matched with those values"})


def outputs(ports: dict[str, int], **changes: Any) -> dict[str, Any]:
    """A stack's outputs: those components that have a port, and the jobs and services whether they have one or not."""
    names = {name.partition("/")[0] for name in ports} | {"kong", "ollama", "qdrant-0", "redis", "timescaledb"}
    names |= {"models", "migrations", *SERVICES}
    components = tuple(
        Deployed(
            name,
            runs="a fake",
            command=(name,),
            strategy="stop-first",
            environment=changes.get("environment", {}),
            ports=tuple(
                Published(LOOPBACK, port, port) for key, port in ports.items() if key.partition("/")[0] == name
            ),
            stateful=name in changes.get("stateful", ()),
        )
        for name in sorted(names)
    )
    manifest = Manifest("test", "local", components, changes.get("replication", (3, 2)))
    return {
        "gateway": f"http://{LOOPBACK}:{ports.get('kong/http', 1)}",
        "ports": ports,
        "consumers": ["app", "other"],
        "secrets": SECRETS,
        "target": "local",
        "root": "/nowhere",
        "manifest": json.loads(json.dumps(manifest.to_json())),
    }


class Lab:
    """Makes stacks of servers, and checks them."""

    def __init__(self, servers: ExitStack) -> None:
        self._servers = servers

    def stack(self, answers: Mapping[str, Answer] | Answer, **changes: Any) -> Stack:
        """A stack whose ports are answered so; a lone answer is the gateway's."""
        named = answers if isinstance(answers, Mapping) else {"kong/http": answers}
        ports = {name: self._servers.enter_context(serving(answer)) for name, answer in named.items()}
        return Stack(outputs(ports, **changes))

    def results(self, group: ModuleType, stack: Stack, *, only: str = "") -> list[Result]:
        """What becomes of a group's checks."""
        return run(stack, lambda _: None, groups=[group], only=only)

    def failed(self, group: ModuleType, answers: Mapping[str, Answer] | Answer, **changes: Any) -> dict[str, str]:
        """The names of the checks that fail, with their reasons."""
        stack = self.stack(answers, **changes)
        return {one.name: one.reason for one in self.results(group, stack) if one.verdict == "FAILED"}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with ExitStack() as servers:
        yield Lab(servers)
