"""The frame of every service: middleware, error shape, health, readiness, metrics."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import Info
from starlette.requests import Request
from starlette.responses import Response

from services.common import errors
from services.common.auth import InternalGuard, auth_router
from services.common.breakers import Breakers
from services.common.direct import Direct, DirectRoute
from services.common.errors import ErrorBody, UnavailableError
from services.common.exposition import CONTENT_TYPE, exposition
from services.common.health import Dependency, Health
from services.common.legacy import Legacy
from services.common.middleware.access import Access
from services.common.middleware.body_limit import BodyLimit
from services.common.middleware.deadline import Deadline
from services.common.middleware.request_id import RequestId
from services.common.responses import Json
from services.common.settings import ServiceSettings
from services.common.siblings import Siblings

VERSION = version("breakwater-rag")
RELEASE = Info("breakwater_release", "The release that runs")
MAX_BODY_BYTES = 1024 * 1024

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    name: str,
    settings: ServiceSettings,
    *,
    breakers: Breakers,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    dependencies: Sequence[Dependency] = (),
    legacy: Mapping[str, str] | None = None,
) -> FastAPI:
    """The service's application.

    Args:
        breakers: those of its dependencies, shown and reset at `/internal/breakers`.
        routers: its routes, each with its full prefix; those below `/internal/` need the service token.
        lifespan: opens what the service uses; the pings of `dependencies` run inside of it.
        legacy: older paths and the `/api/v1` paths that succeeded them, unless the settings removed them.
    """
    health = Health(dependencies)

    @asynccontextmanager
    async def with_health(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan else nullcontext(), health:
            yield

    app = FastAPI(
        title=f"Breakwater {name}",
        version=VERSION,
        lifespan=with_health,
        docs_url=None,  # its page loads scripts from outside
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # of OpenTelemetry's, if it is installed
        redirect_slashes=False,  # the address it redirects to is not the one that a client of the gateway used
    )
    errors.install(app)
    for router in (*routers, _operations(name, health), breakers.router(), auth_router(settings.service_secret)):
        app.include_router(router, responses={400: {"model": ErrorBody}, 503: {"model": ErrorBody}})
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    # The last added is the outermost.
    direct = [route for router in routers for route in router.routes if isinstance(route, DirectRoute)]
    if direct:
        app.add_middleware(Direct, routes=direct)
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES)
    app.add_middleware(InternalGuard, secret=settings.service_secret)
    if legacy and settings.legacy_routes:
        app.add_middleware(Legacy, paths=legacy, sunset=settings.legacy_sunset)
    app.add_middleware(Deadline)
    app.add_middleware(Access)
    app.add_middleware(RequestId, release=settings.release)
    RELEASE.info({"release": settings.release})
    return app


def _operations(name: str, health: Health) -> APIRouter:
    """The routes that every service has for those who run it."""
    router = APIRouter(tags=["operations"])

    @router.get("/health")
    async def alive() -> Response:
        """The process serves requests; says nothing about its dependencies."""
        return Json({"status": "ok", "service": name, "version": VERSION})

    @router.get("/ready")
    async def ready() -> Response:
        """Each dependency with its last success and age; 503 when a required one does not answer."""
        report = {"service": name, **await health.report()}
        return Json(report) if report["ready"] else Json(report, 503, dict(UnavailableError.headers))

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Prometheus metrics, of all processes of the service."""
        family = Siblings.family
        return Response(exposition(family.index, await family.others(request)), media_type=CONTENT_TYPE)

    return router


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's schema without the 422 it declares everywhere: invalid input is answered with 400."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path in app.openapi_schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
    return app.openapi_schema
