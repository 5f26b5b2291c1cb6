"""Ollama: embeddings and generated text."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientResponse, ClientTimeout

from services.common.errors import UnavailableError
from services.common.http import Http, timeout

EMBED_TIMEOUT_S = 30.0  # of one batch; the first call after a pause loads the model
SILENCE_S = 60.0  # a generation that says nothing for so long is dead
GENERATION_TIMEOUT_S = 300.0
LINE_BYTES = 4 * 1024 * 1024  # of a generation; Ollama's last line repeats all tokens of the prompt as numbers
BATCH = 16  # texts a call: 16 chunks take about 0.6 s on two cores without a GPU


class OllamaUnavailableError(UnavailableError):
    """Ollama refused, hung, broke or lacks the model."""


class Ollama:
    """The stack's models. A call ends, and Ollama's work with it, when its caller is cancelled."""

    def __init__(self, http: Http, url: str, *, embedding_model: str, generation_model: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self.embedding_model = embedding_model
        self.generation_model = generation_model

    async def ping(self) -> None:
        """Raise unless Ollama answers."""
        async with self._call("GET", "/api/version", None, timeout(2.0)) as response:
            await response.read()

    async def embed(self, texts: Sequence[str], *, model: str | None = None) -> list[list[float]]:
        """One vector for each text, in order; raises OllamaUnavailableError."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            wanted = {"model": model or self.embedding_model, "input": texts[start : start + BATCH]}
            async with self._call("POST", "/api/embed", wanted, timeout(EMBED_TIMEOUT_S)) as response:
                vectors += orjson.loads(await response.read())["embeddings"]
        return vectors

    async def generate(self, prompt: str) -> AsyncGenerator[str, None]:
        """The answer to `prompt`, piece by piece; raises OllamaUnavailableError, also halfway."""
        wanted = {"model": self.generation_model, "prompt": prompt, "stream": True}
        limits = timeout(GENERATION_TIMEOUT_S, silence_s=SILENCE_S)
        async with self._call("POST", "/api/generate", wanted, limits) as response:
            async for line in response.content:
                piece = orjson.loads(line)
                if "error" in piece:
                    raise OllamaUnavailableError(f"generation broke off: {piece['error']}")
                if piece.get("response"):
                    yield piece["response"]
                if piece.get("done"):
                    return
        raise OllamaUnavailableError("generation broke off without its end")

    @asynccontextmanager
    async def _call(self, method: str, path: str, body: Any, limits: ClientTimeout) -> AsyncIterator[ClientResponse]:
        """The one way to Ollama."""
        try:
            async with self._http.session.request(
                method, self._url + path, json=body, timeout=limits, read_bufsize=LINE_BYTES
            ) as response:
                if response.status >= 400:
                    said = (await response.read())[:200].decode(errors="replace")
                    raise OllamaUnavailableError(f"Ollama answered {response.status}: {said}")
                yield response
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise OllamaUnavailableError(f"Ollama does not answer: {type(error).__name__} {error}".rstrip()) from error
