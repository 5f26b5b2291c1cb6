"""The JSON answer, rendered by orjson."""

from typing import Any

import orjson
from starlette.responses import Response


class Json(Response):
    """A JSON answer from plain data, dataclasses included."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)
