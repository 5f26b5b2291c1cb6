"""Ollama: embeddings and generated text."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientResponse, ClientTimeout

from services.common.attempts import attempt
from services.common.bulkhead import Limit
from services.common.errors import UnavailableError
from services.common.http import Http, failing_as, timeout
from services.common.protection import Protection
from services.common.retry import RetryBudget

EMBED_TIMEOUT_S = 30.0  # of a batch; the first call after a pause loads the model
EMBED_ONE_TIMEOUT_S = 2.0  # of a question: somebody waits for it, 3 s at most where another service asks for them
SILENCE_S = 60.0  # a generation that says nothing for so long is dead
GENERATION_TIMEOUT_S = 300.0
LINE_BYTES = 4 * 1024 * 1024  # of a generation; Ollama's last line repeats all tokens of the prompt as numbers
BATCH = 16  # texts a call: 16 chunks take about 0.6 s on two cores without a GPU

EMBEDDING_LIMIT = Limit(concurrent=8, queue=64)  # a text takes about 10 ms on two cores
GENERATION_LIMIT = Limit(concurrent=4, queue=8)  # Ollama itself generates one answer at a time and queues the others


def broke(error: Exception) -> bool:
    """Whether a connection that stood has ended, as when Ollama restarts; a second try finds the new one."""
    ended = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    return ended and not isinstance(error, aiohttp.ClientConnectorError)


class OllamaUnavailableError(UnavailableError):
    """Ollama refused, hung, broke or lacks the model."""


class Ollama:
    """The stack's models. A call ends, and Ollama's work with it, when its caller is cancelled."""

    def __init__(
        self,
        http: Http,
        url: str,
        *,
        embedding_model: str,
        generation_model: str,
        embedding: Protection,
        generation: Protection,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._embedding, self._generation = embedding, generation
        self._retries = RetryBudget("ollama")
        self.embedding_model = embedding_model
        self.generation_model = generation_model

    async def ping(self) -> None:
        """Raise unless Ollama answers; it is nobody's attempt to use it, and measured as none."""
        with failing_as(OllamaUnavailableError, "Ollama"):
            async with self._http.session.get(self._url + "/api/version", timeout=timeout(2.0)) as response:
                response.raise_for_status()

    async def embed(self, texts: Sequence[str], *, model: str | None = None) -> list[list[float]]:
        """One vector for each text, in order; raises OllamaUnavailableError."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            async with self._embedding.call(OllamaUnavailableError):
                vectors += await self._embed(texts[start : start + BATCH], model or self.embedding_model)
        return vectors

    async def _embed(self, texts: Sequence[str], model: str) -> list[list[float]]:
        limits = timeout(EMBED_ONE_TIMEOUT_S if len(texts) == 1 else EMBED_TIMEOUT_S)

        async def once() -> list[list[float]]:
            wanted = {"model": model, "input": texts}
            async with self._attempt("POST", "/api/embed", wanted, limits) as response:
                vectors: list[list[float]] = orjson.loads(await response.read())["embeddings"]
                if len(vectors) != len(texts):
                    raise OllamaUnavailableError(f"Ollama gave {len(vectors)} vectors for {len(texts)} texts")
                return vectors

        with failing_as(OllamaUnavailableError, "Ollama"):
            return await self._retries.twice(once, after=broke)

    async def generate(self, prompt: str) -> AsyncGenerator[str, None]:
        """The answer to `prompt`, piece by piece; raises OllamaUnavailableError, also halfway."""
        wanted = {"model": self.generation_model, "prompt": prompt, "stream": True}
        limits = timeout(GENERATION_TIMEOUT_S, silence_s=SILENCE_S)
        async with (
            self._generation.call(OllamaUnavailableError) as call,
            self._exchange("POST", "/api/generate", wanted, limits) as response,
        ):
            async for line in response.content:
                piece = orjson.loads(line)
                if "error" in piece:
                    raise OllamaUnavailableError(f"generation broke off: {piece['error']}")
                call.responding()
                if piece.get("response"):
                    yield piece["response"]
                if piece.get("done"):
                    return
            raise OllamaUnavailableError("generation broke off without its end")

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, body: Any, limits: ClientTimeout
    ) -> AsyncIterator[ClientResponse]:
        with failing_as(OllamaUnavailableError, "Ollama"):
            async with self._attempt(method, path, body, limits) as response:
                yield response

    @asynccontextmanager
    async def _attempt(self, method: str, path: str, body: Any, limits: ClientTimeout) -> AsyncIterator[ClientResponse]:
        """The one way to Ollama."""
        with attempt("ollama"):
            async with self._http.session.request(
                method, self._url + path, json=body, timeout=limits, read_bufsize=LINE_BYTES
            ) as response:
                if response.status >= 400:
                    said = (await response.read())[:200].decode(errors="replace")
                    raise OllamaUnavailableError(f"Ollama answered {response.status}: {said}")
                yield response
