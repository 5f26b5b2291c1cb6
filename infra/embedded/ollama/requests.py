"""What clients send. A field that is missing or null has its default; fields that mean nothing here are not read."""

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_origin

import orjson
from aiohttp import web

from infra.embedded.ollama.errors import ApiError

_NAMES: dict[Any, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
"""What Go calls the types of JSON."""


@dataclass(frozen=True)
class ShowRequest:
    """Of /api/show; the model's name may also stand in the older field `name`."""

    model: str = ""
    name: str = ""


@dataclass(frozen=True)
class PullRequest(ShowRequest):
    """Of /api/pull."""

    stream: bool = True


@dataclass(frozen=True)
class EmbedRequest:
    """Of /api/embed: `input` is a text or a list of texts."""

    model: str = ""
    input: Any = None
    truncate: bool = True
    dimensions: int = 0

    def texts(self) -> list[str]:
        """The texts to embed; raises ApiError."""
        texts = [self.input] if self.input else []
        texts = self.input if isinstance(self.input, list) else texts
        if not all(isinstance(text, str) for text in texts):
            raise ApiError(400, "invalid input type")
        return texts


@dataclass(frozen=True)
class EmbeddingRequest:
    """Of the older /api/embeddings."""

    model: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class GenerateRequest:
    """Of /api/generate."""

    model: str = ""
    prompt: str = ""
    system: str = ""
    stream: bool = True
    suffix: str = ""
    images: list[Any] = field(default_factory=list)
    format: Any = None
    think: Any = None


@dataclass(frozen=True)
class ChatRequest:
    """Of /api/chat."""

    model: str = ""
    messages: list[Any] = field(default_factory=list)
    stream: bool = True
    tools: list[Any] = field(default_factory=list)
    format: Any = None
    think: Any = None


@dataclass(frozen=True)
class Message:
    """One of /api/chat's messages."""

    role: str = ""
    content: str = ""
    images: list[Any] = field(default_factory=list)


T = TypeVar("T")


async def read(kind: type[T], request: web.Request) -> T:
    """The request's body; raises ApiError with Ollama's text where it is not what `kind` says."""
    body = await request.read()
    if not body.strip():
        raise ApiError(400, "missing request body")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"invalid JSON: {error}") from None
    return fill(kind, document)


def fill(kind: type[T], document: Any) -> T:
    """The dataclass `kind` from a JSON value; raises ApiError."""
    if not isinstance(document, dict):
        raise ApiError(
            400, f"json: cannot unmarshal {_NAMES[type(document)]} into Go value of type api.{kind.__name__}"
        )
    values: dict[str, Any] = {}
    for f in fields(kind):  # type: ignore[arg-type]  # every kind is a dataclass
        value, wanted = document.get(f.name), get_origin(f.type) or f.type
        if value is None:
            continue
        if wanted is not Any and type(value) is not wanted:
            place = f"{kind.__name__}.{f.name} of type {_NAMES[wanted]}"
            raise ApiError(400, f"json: cannot unmarshal {_NAMES[type(value)]} into Go struct field {place}")
        values[f.name] = value
    return kind(**values)
