"""What the services' tests run against: small HTTP servers and clients in the test's own event loop, and a clock."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDictProxy
from starlette.types import ASGIApp, Message, Scope

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

REFUSING = "http://127.0.0.1:1"  # nobody listens there


@dataclass
class Upstream:
    """A dependency's stand-in: answers every request as `answer` says and keeps what it was asked."""

    answer: Answer
    url: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path with query, body
    headers: list[CIMultiDictProxy[str]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.method, request.path_qs, orjson.loads(body) if body else None))
        self.headers.append(request.headers)
        try:
            return await self.answer(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.hung_up.set()
            raise


@asynccontextmanager
async def upstream(answer: Answer) -> AsyncIterator[Upstream]:
    """An upstream that serves on a free port; a handler whose client has gone is cancelled, which sets `hung_up`."""
    served = Upstream(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        served.url = str(server.make_url("")).rstrip("/")
        yield served


def says(document: Any, status: int = 200) -> Answer:
    """Answers with JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return answer


def streams(*pieces: bytes, then: Answer | None = None, content_type: str = "application/octet-stream") -> Answer:
    """Answers with the pieces one by one, and then as `then` says (`hangs`, `drops`) or not at all."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then:
            await then(request)
        return response

    return answer


def routes(**answers: Answer) -> Answer:
    """Answers as the entry says whose name is the path's last word."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await answers[request.path.rpartition("/")[2]](request)

    return answer


async def hangs(_: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def drops(request: web.Request) -> web.StreamResponse:
    """Closes the connection without an answer, or in the middle of one."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which has started and is stopped afterwards."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as http,
    ):
        yield http


class Caller:
    """A client at ASGI's level: it sees an answer's pieces as they come, and hangs up when told to.

    It stops to read at the piece with `stalls_at` in it: who sends that one waits for ever.
    """

    def __init__(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        *,
        raw_path: str | None = None,
        query: str = "",
        body: bytes | None = b"",
        headers: Mapping[str, str] | None = None,
        stalls_at: bytes | None = None,
    ) -> None:
        self.sent: list[Message] = []
        self._stalls_at = stalls_at
        self._gone = asyncio.Event()
        self._body = body  # None: it never comes
        given = {"content-type": "application/json", **(headers or {})}
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": (raw_path or path).encode(),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "scheme": "http",
            "server": ("service", 80),
            "client": ("client", 1),
            "state": {},
        }
        self.done = asyncio.ensure_future(app(scope, self._receive, self._send))

    @property
    def status(self) -> int | None:
        """The answer's status, once it has begun."""
        return next((message["status"] for message in self.sent if message["type"] == "http.response.start"), None)

    @property
    def body(self) -> bytes:
        """What has come of the answer's body."""
        return b"".join(message.get("body", b"") for message in self.sent)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if self._stalls_at and self._stalls_at in message.get("body", b""):
            await asyncio.Event().wait()

    def hang_up(self) -> None:
        self._gone.set()


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.002)
