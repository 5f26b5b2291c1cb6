"""The server, put together."""

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from infra.embedded.ollama.batching import Batcher, Model
from infra.embedded.ollama.catalog import ServedModel
from infra.embedded.ollama.errors import answer_errors
from infra.embedded.ollama.routes_embedding import embedding_routes
from infra.embedded.ollama.routes_generation import generation_routes
from infra.embedded.ollama.routes_library import library_routes

MAX_QUEUE = 512  # requests at once, as Ollama's OLLAMA_MAX_QUEUE
MAX_BODY = 64 * 2**20  # bytes; thousands of chunks in one request


def build(model: Model, models: Sequence[ServedModel], max_queue: int = MAX_QUEUE) -> web.Application:
    """The application, which embeds with `model` and says that it has `models`."""
    batcher = Batcher(model, max_queue)

    async def embedding(_: web.Application) -> AsyncIterator[None]:
        async with batcher.running():
            yield

    app = web.Application(middlewares=[answer_errors], client_max_size=MAX_BODY)
    app.cleanup_ctx.append(embedding)
    app.add_routes([*library_routes(models), *embedding_routes(models, batcher), *generation_routes(models, batcher)])
    return app
