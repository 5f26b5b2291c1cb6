"""`/internal/*` is for the stack's own services, which show the secret they share as a token."""

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.errors import error_response
from services.common.responses import Json
from services.common.service_secret import ServiceSecret

HEADER = "X-Service-Token"
_HEADER = HEADER.lower().encode()


class InternalGuard:
    """Answers 403 on `/internal/*` unless the request carries a token that is accepted at this moment."""

    def __init__(self, app: ASGIApp, *, secret: ServiceSecret) -> None:
        self.app = app
        self.secret = secret

    def _accepts(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        return self.secret.accepts(given)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] != "lifespan" and (scope["path"] + "/").startswith("/internal/")
        if guarded and not self._accepts(scope):
            await error_response(403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def auth_router(secret: ServiceSecret) -> APIRouter:
    """The route by which a rotation sees how far this service is."""
    router = APIRouter(prefix="/internal", tags=["operations"])

    @router.get("/service-token")
    async def service_token() -> Response:
        """Fingerprints of the token that this service sends and of those it accepts, with the seconds unused."""
        return Json(secret.report())

    return router
