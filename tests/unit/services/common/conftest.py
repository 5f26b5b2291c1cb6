import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.common.app import create_app
from services.common.breakers import Breakers
from services.common.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from services.common.responses import Json
from services.common.settings import ServiceSettings
from tests.servers import client

ERRORS = {"404": NotFoundError, "409": ConflictError, "400": InvalidRequestError, "503": UnavailableError}


class Thing(BaseModel):
    size: int


def things() -> APIRouter:
    """Routes that behave in every way that the frame around them has to deal with."""
    router = APIRouter(prefix="/api/v1/things")

    @router.get("/{name}")
    async def get(name: str, limit: int = 1, path: Annotated[str, Query(min_length=1)] = "here") -> Response:
        return Json({"name": name, "limit": limit})

    @router.post("")
    async def post(thing: Thing) -> Response:
        return Json({"size": thing.size}, 201)

    @router.put("/raw")
    async def put(request: Request) -> Response:
        return Json({"length": len(await request.body())})

    @router.get("/{name}/errors/{status}")
    async def refuse(name: str, status: str) -> Response:
        raise ERRORS[status](f"{name} is why")  # a defect for a status that is not in the table

    @router.get("/{name}/broken")
    async def broken(name: str) -> Response:
        return _BreaksOff()

    @router.get("/{name}/endless")
    async def endless(name: str) -> Response:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return router


class _BreaksOff(Response):
    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # as in the base class
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("halfway")


def internal() -> APIRouter:
    router = APIRouter(prefix="/internal")

    @router.get("/secret")
    async def secret() -> Response:
        return Json({"known": True})

    return router


def frame(**settings: object) -> FastAPI:
    """An application with routes for every occasion."""
    told = {"port": 1, "inter_service_secret": "current previous", **settings}
    legacy = {"/things": "/api/v1/things", "/api/things": "/api/v1/things"}
    checked = ServiceSettings.model_validate(told)
    breakers = Breakers("test", checked)
    return create_app("test", checked, breakers=breakers, routers=[things(), internal()], legacy=legacy)


@pytest.fixture(scope="session")
def app() -> FastAPI:
    return frame()


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as http:
        yield http
