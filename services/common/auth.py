"""`/internal/*` is for the stack's own services, which show the secret they share as a token."""

from collections.abc import Mapping, Sequence

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.common.errors import error_response
from services.common.middleware.header import header
from services.common.responses import Json
from services.common.service_secret import HEADER, ServiceSecret
from services.common.siblings import Siblings, SiblingUnavailableError

_HEADER = HEADER.lower().encode()


class InternalGuard:
    """Answers 403 on `/internal/*` unless the request carries a token that is accepted at this moment."""

    def __init__(self, app: ASGIApp, *, secret: ServiceSecret) -> None:
        self.app = app
        self.secret = secret

    def _accepts(self, scope: Scope) -> bool:
        return self.secret.accepts(header(scope, _HEADER) or b"")

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
    async def service_token(request: Request) -> Response:
        """Fingerprints of the token that this service sends and of those it accepts, with the seconds unused.

        Of all its processes: it accepts a token that all accept, unused since one of them was shown it last.
        """
        told = [secret.report(), *map(orjson.loads, (await Siblings.family.others(request)).values())]
        if len({report["sends"] for report in told}) > 1:
            raise SiblingUnavailableError("the processes of this service send different tokens at this moment")
        return Json({"sends": told[0]["sends"], "accepts": _least([report["accepts"] for report in told])})

    return router


def _least(accepted: Sequence[Mapping[str, float]]) -> dict[str, float]:
    known = set.intersection(*map(set, accepted))
    return {name: min(ages[name] for ages in accepted) for name in accepted[0] if name in known}
