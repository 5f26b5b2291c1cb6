"""JSON answers, whole and as a stream of lines."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web


def json_response(document: Mapping[str, Any], status: int = 200) -> web.Response:
    """A JSON answer; NumPy arrays are written as lists."""
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


async def stream(request: web.Request, documents: Iterable[Mapping[str, Any]]) -> web.StreamResponse:
    """An answer that sends each document as a line of its own as soon as it is there."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    with suppress(ConnectionResetError):  # the client has gone, and nobody is left to tell
        await response.prepare(request)
        for document in documents:
            await response.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
        await response.write_eof()
    return response
