"""A service that calls another one of its kind on an internal path, at every request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from services.common import probes
from services.common.app import create_app
from services.common.breakers import Breakers
from services.common.http import Http
from services.common.responses import Json
from services.common.serve import serve
from services.common.service import LIMIT, Service
from services.common.settings import ServiceSettings


class PeerSettings(ServiceSettings):
    peer_url: str


def build(settings: PeerSettings) -> FastAPI:
    http = Http()
    breakers = Breakers("peer", settings)
    protection = breakers.service("peer", LIMIT, probes.service(settings.peer_url))
    peer = Service("peer", http, settings.peer_url, settings.service_secret.sent, protection=protection)
    router = APIRouter()

    @router.get("/api/v1/ask")
    async def ask() -> Response:
        return Json(await peer.ask("GET", "/internal/tell"))

    @router.get("/internal/tell")
    async def tell() -> Response:
        return Json("told")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    return create_app("peer", settings, breakers=breakers, routers=[router], lifespan=lifespan)


if __name__ == "__main__":
    serve("peer", PeerSettings, build)
