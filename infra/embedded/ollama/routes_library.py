"""What the server is and has: /, /api/version, /api/tags, /api/ps, /api/show and /api/pull."""

from collections.abc import Sequence

from aiohttp import web

from infra.embedded.ollama import API_VERSION
from infra.embedded.ollama.catalog import ServedModel, find
from infra.embedded.ollama.errors import ApiError
from infra.embedded.ollama.requests import PullRequest, ShowRequest, read
from infra.embedded.ollama.responses import json_response, stream


def library_routes(models: Sequence[ServedModel]) -> list[web.RouteDef]:
    """The routes; GET routes answer HEAD, too."""

    async def root(_: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def version(_: web.Request) -> web.Response:
        return json_response({"version": API_VERSION})

    async def tags(_: web.Request) -> web.Response:
        return json_response({"models": [model.tagged(name) for model in models for name in model.names]})

    async def ps(_: web.Request) -> web.Response:
        return json_response({"models": [model.loaded() for model in models]})

    async def show(request: web.Request) -> web.Response:
        name = _name(await read(ShowRequest, request), "model is required")
        model = find(models, name)
        if model is None:
            raise ApiError(404, f"model '{name}' not found")
        return json_response(model.shown())

    async def pull(request: web.Request) -> web.StreamResponse:
        asked = await read(PullRequest, request)
        if find(models, _name(asked, "invalid model name")) is None:
            raise _cannot_pull(models)
        progress = [{"status": "pulling manifest"}, {"status": "success"}]
        return await stream(request, progress) if asked.stream else json_response(progress[-1])

    return [
        web.get("/", root),
        web.get("/api/version", version),
        web.get("/api/tags", tags),
        web.get("/api/ps", ps),
        web.post("/api/show", show),
        web.post("/api/pull", pull),
    ]


def _name(asked: ShowRequest, otherwise: str) -> str:
    name = asked.model or asked.name
    if not name:
        raise ApiError(400, otherwise)
    return name


def _cannot_pull(models: Sequence[ServedModel]) -> ApiError:
    held = " and ".join(model.names[0].removesuffix(":latest") for model in models)
    return ApiError(501, f"this server has {held} only and downloads nothing: for other models install Ollama")
