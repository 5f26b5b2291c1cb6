"""Vectors: /api/embed, and /api/embeddings, which it replaced."""

from collections.abc import Sequence
from time import perf_counter_ns

import numpy as np
from aiohttp import web

from infra.embedded.ollama.batching import Batcher
from infra.embedded.ollama.catalog import ServedModel, find
from infra.embedded.ollama.errors import ApiError
from infra.embedded.ollama.model import DIMENSIONS, Embeddings
from infra.embedded.ollama.requests import EmbeddingRequest, EmbedRequest, read
from infra.embedded.ollama.responses import json_response


def embedding_routes(models: Sequence[ServedModel], batcher: Batcher) -> list[web.RouteDef]:
    """The routes."""

    async def embed(request: web.Request) -> web.Response:
        started = perf_counter_ns()
        asked = await read(EmbedRequest, request)
        texts = asked.texts()
        _require(models, asked.model)
        if not texts:
            return json_response({"model": asked.model, "embeddings": []})
        loaded = perf_counter_ns()
        embeddings, tokens = await batcher.embed(texts, truncate=asked.truncate)
        return json_response(
            {
                "model": asked.model,
                "embeddings": shortened(embeddings, asked.dimensions),
                "total_duration": perf_counter_ns() - started,
                "load_duration": loaded - started,
                "prompt_eval_count": tokens,
            }
        )

    async def embeddings(request: web.Request) -> web.Response:
        asked = await read(EmbeddingRequest, request)
        if not asked.model:
            raise ApiError(400, "model is required")
        _require(models, asked.model)
        if not asked.prompt:
            return json_response({"embedding": []})
        (vector,), _ = await batcher.embed([asked.prompt])
        return json_response({"embedding": vector.astype(np.float64)})  # Ollama prints these with double precision

    return [web.post("/api/embed", embed), web.post("/api/embeddings", embeddings)]


def shortened(embeddings: Embeddings, dimensions: int) -> Embeddings:
    """The first `dimensions` numbers of each row, of length 1 again; all of them unless 0 < `dimensions` < 384."""
    if not 0 < dimensions < DIMENSIONS:
        return embeddings
    head = embeddings[:, :dimensions]
    lengths = np.linalg.norm(head, axis=1, keepdims=True)
    return np.ascontiguousarray(head / np.maximum(lengths, 1e-12))


def _require(models: Sequence[ServedModel], name: str) -> None:
    model = find(models, name)
    if model is None:
        raise ApiError(404, f'model "{name}" not found, try pulling it first')
    if model.capability != "embedding":
        raise ApiError(400, f'"{name}" does not support embedding')
