"""`/internal/*` is for the stack's own services, which show the token they share."""

from collections.abc import Sequence
from hmac import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.errors import error_response

HEADER = "X-Service-Token"
_HEADER = HEADER.lower().encode()


class InternalGuard:
    """Answers 403 on `/internal/*` unless the request carries one of the accepted tokens."""

    def __init__(self, app: ASGIApp, *, tokens: Sequence[str]) -> None:
        self.app = app
        self.tokens = [token.encode() for token in tokens]

    def _accepts(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        return any(compare_digest(given, token) for token in self.tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] != "lifespan" and (scope["path"] + "/").startswith("/internal/")
        if guarded and not self._accepts(scope):
            await error_response(403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
