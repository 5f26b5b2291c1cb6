"""Reads a request's budget of time."""

from starlette.types import ASGIApp, Receive, Scope, Send

from services.common import deadline
from services.common.errors import error_response
from services.common.middleware.header import header

_HEADER = deadline.HEADER.lower().encode()
LONGEST_MS = 24 * 3600 * 1000


class Deadline:
    """Starts the budget that the request's X-Request-Deadline names; 400 where that is no positive number."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (asked := header(scope, _HEADER)) is not None:
            if not (asked.isdigit() and 1 <= int(asked[:9]) <= LONGEST_MS):
                wanted = f"{deadline.HEADER}: it must be milliseconds, from 1 to {LONGEST_MS}"
                await error_response(400, wanted)(scope, receive, send)
                return
            deadline.start(int(asked) / 1000)
        await self.app(scope, receive, send)
