"""Errors as Ollama answers them, and the log's one line for each."""

import logging
import time

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from infra.embedded.ollama.batching import InputTooLongError, ServerBusyError
from infra.embedded.ollama.responses import json_response

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """What a request is refused with: a status and Ollama's text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer, and log it. A client that hangs up is no error."""
    started = time.perf_counter()
    crash = None
    try:
        return await handler(request)
    except web.HTTPException as error:  # no such path or method, or too large a body: as plain text, as gin does
        status = error.status
        text = "404 page not found" if status == 404 else f"{status} {error.reason.lower()}"
        answer = web.Response(status=status, text=text)
    except Exception as error:  # noqa: BLE001 - every failure becomes an answer in Ollama's shape
        status, text = _meaning(error)
        answer = json_response({"error": text}, status)
        crash = error if status == 500 else None
    took = round((time.perf_counter() - started) * 1000)
    line = {"method": request.method, "path": request.path, "status": status, "error": text, "took_ms": took}
    _log.warning("%s", orjson.dumps(line).decode(), exc_info=crash)
    return answer


def _meaning(error: Exception) -> tuple[int, str]:
    match error:
        case ApiError():
            return error.status, str(error)
        case ServerBusyError():
            return 503, "server busy, please try again.  maximum pending requests exceeded"
        case InputTooLongError():
            return 400, "input exceeds maximum context length"
        case _:
            return 500, f"{type(error).__name__}: {error}"
