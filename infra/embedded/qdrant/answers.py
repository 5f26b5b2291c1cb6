"""Answers in Qdrant's shape: what a handler returns or raises, as JSON."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from infra.embedded.qdrant.errors import QdrantError, malformed

MAX_BODY = 32 * 1024 * 1024  # bytes of a request; Qdrant's max_request_size_mb
Handler = Callable[[web.Request], Awaitable[Any]]

log = logging.getLogger(__name__)


def answering(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler's result in an answer with status 200, or its QdrantError with that one's status.

    A response that the handler made itself, as one that another node gave, is left as it is.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        start = time.perf_counter()
        try:
            result = await handler(request)
        except QdrantError as error:
            return _answer({"status": {"error": error.message}, "time": time.perf_counter() - start}, error.status)
        except web.HTTPRequestEntityTooLarge:
            said = f"Payload error: a payload is larger than {MAX_BODY} bytes"
            return _answer({"status": {"error": said}, "time": time.perf_counter() - start}, 413)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            said = f"Service internal error: {error}"
            return _answer({"status": {"error": said}, "time": time.perf_counter() - start}, 500)
        if isinstance(result, web.StreamResponse):
            return result
        return _answer({"result": result, "status": "ok", "time": time.perf_counter() - start}, 200)

    return answer


def _answer(document: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


async def read_json(request: web.Request) -> Any:
    """The body; raises QdrantError unless it is JSON."""
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise malformed(str(error)) from None
