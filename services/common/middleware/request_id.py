"""The request id: taken from the caller or made here, in every log line, answer and call further on.

Beside it every answer names the release that gives it. One that a service passes on, or takes from the cache, is given
by the service itself, so the name is its own.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.middleware.header import header

HEADER = "X-Request-ID"
SYNTHETIC = "breakwater-synthetic-"
"""Begins the id of a request by which somebody tries a service, and needs nothing of it."""
RELEASE_HEADER = "X-Release"
_HEADER, _RELEASE_HEADER = HEADER.lower().encode(), RELEASE_HEADER.lower().encode()
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestId:
    """Gives the request its id and puts it on the answer; a malformed one from outside is replaced.

    Args:
        release: what the answers name as well, unless it is empty.
    """

    def __init__(self, app: ASGIApp, *, release: str = "") -> None:
        self.app = app
        self.released = [(_RELEASE_HEADER, release.encode())] if release else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, _HEADER) or b""
        current = given.decode() if _ACCEPTABLE.fullmatch(given) else uuid4().hex
        told = (_HEADER, current.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*(h for h in message.get("headers", ()) if h[0] != _HEADER), told, *self.released]
            await send(message)

        token = request_id.set(current)
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            request_id.reset(token)
