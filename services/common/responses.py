"""JSON answers."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


class Json(Response):
    """A JSON answer from plain data, dataclasses included; rendered by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class JsonBytes(Response):
    """A JSON answer whose bytes are there already."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:  # all that the base class would do
        self.status_code, self.body, self.background = 200, body, None
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ]
