"""Extractive answers: /api/generate and /api/chat."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any

from aiohttp import web

from infra.embedded.ollama.batching import Batcher
from infra.embedded.ollama.catalog import ServedModel, find, timestamp
from infra.embedded.ollama.errors import ApiError
from infra.embedded.ollama.extractive import answer
from infra.embedded.ollama.requests import ChatRequest, GenerateRequest, Message, fill, read
from infra.embedded.ollama.responses import json_response, stream

Shape = Callable[[str], dict[str, Any]]
"""How an endpoint's answer holds a piece of text."""

_PIECE = re.compile(r"\s*\S+")
_ABILITIES = {
    "suffix": "insert",
    "images": "vision",
    "tools": "tools",
    "think": "thinking",
    "format": "structured outputs",
}
"""What the fields of a request ask for; quoting has none of it."""


def generation_routes(models: Sequence[ServedModel], batcher: Batcher) -> list[web.RouteDef]:
    """The routes."""

    async def generate(request: web.Request) -> web.StreamResponse:
        started = perf_counter_ns()
        asked = await read(GenerateRequest, request)
        _require(models, asked, "generate")
        prompt = f"{asked.system}\n\n{asked.prompt}" if asked.prompt else ""
        return await respond(request, asked, prompt, lambda text: {"response": text}, started)

    async def chat(request: web.Request) -> web.StreamResponse:
        started = perf_counter_ns()
        asked = await read(ChatRequest, request)
        if not asked.model:
            raise ApiError(400, "model is required")
        _require(models, asked, "chat")
        prompt = chat_prompt([fill(Message, message) for message in asked.messages])
        message = {"role": "assistant"}
        return await respond(request, asked, prompt, lambda text: {"message": message | {"content": text}}, started)

    async def respond(
        request: web.Request, asked: GenerateRequest | ChatRequest, prompt: str, shape: Shape, started: int
    ) -> web.StreamResponse:
        loaded = perf_counter_ns()
        if not prompt:  # the request to load the model, which it always is
            return json_response(_part(asked.model, shape(""), done=True) | {"done_reason": "load"})
        found = await answer(prompt, batcher.embed)
        answered = perf_counter_ns()
        pieces = _PIECE.findall(found.text)
        ended = perf_counter_ns()
        statistics = {
            "done_reason": "stop",
            "total_duration": ended - started,
            "load_duration": loaded - started,
            "prompt_eval_count": found.tokens,
            "prompt_eval_duration": answered - loaded,
            "eval_count": len(pieces),
            "eval_duration": ended - answered,
        }
        if not asked.stream:
            return json_response(_part(asked.model, shape(found.text), done=True) | statistics)

        def parts() -> Iterator[dict[str, Any]]:
            for piece in pieces:
                yield _part(asked.model, shape(piece), done=False)
            yield _part(asked.model, shape(""), done=True) | statistics

        return await stream(request, parts())

    return [web.post("/api/generate", generate), web.post("/api/chat", chat)]


def chat_prompt(messages: Sequence[Message]) -> str:
    """What the system says, then the user's last message: each question stands alone."""
    system = [message.content for message in messages if message.role == "system"]
    asked = [message.content for message in messages if message.role == "user"]
    return "\n\n".join([*system, *asked[-1:]])


def _part(model: str, piece: dict[str, Any], *, done: bool) -> dict[str, Any]:
    return {"model": model, "created_at": timestamp(datetime.now(UTC)), **piece, "done": done}


def _require(models: Sequence[ServedModel], asked: GenerateRequest | ChatRequest, operation: str) -> None:
    model = find(models, asked.model)
    if model is None:
        raise ApiError(404, f"model '{asked.model}' not found")
    abilities = (ability for name, ability in _ABILITIES.items() if getattr(asked, name, None))
    lacking = operation if model.capability != "completion" else next(abilities, None)
    if lacking:
        raise ApiError(400, f'"{asked.model}" does not support {lacking}')
