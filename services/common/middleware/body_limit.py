"""A bound on what a request's body may hold."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.errors import error_response
from services.common.middleware.header import header


class BodyLimit:
    """Answers 413 where a body is longer than the limit: at once if it says so, else when it proves to be."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.detail = f"the body may have at most {limit} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _declared(scope) > self.limit:
            await error_response(413, self.detail)(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise HTTPException(413, self.detail)  # the one kind of error that FastAPI lets through while it reads
            return message

        await self.app(scope, receive_within_limit, send)


def _declared(scope: Scope) -> int:
    given = header(scope, b"content-length") or b""
    return int(given) if given.isdigit() else 0
