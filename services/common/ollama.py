"""Ollama: embeddings and generated text."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientTimeout

from services.common.attempts import attempt
from services.common.bulkhead import Limit
from services.common.errors import UnavailableError
from services.common.http import Http, failing_as, timeout
from services.common.protection import Protection
from services.common.retry import RetryBudget
from services.common.wire import BrokenError

EMBED_TIMEOUT_S = 30.0  # of a batch; the first call after a pause loads the model
EMBED_ONE_TIMEOUT_S = 2.0  # of questions: somebody waits for them, 3 s at most where another service asks for them
SILENCE_S = 60.0  # a generation that says nothing for so long is dead
GENERATION_TIMEOUT_S = 300.0
LINE_BYTES = 4 * 1024 * 1024  # of a generation; Ollama's last line repeats all tokens of the prompt as numbers
BATCH = 16  # texts a call: 16 chunks take about 0.6 s on two cores without a GPU

EMBEDDING_LIMIT = Limit(concurrent=8, queue=64)  # a text takes about 10 ms on two cores
GENERATION_LIMIT = Limit(concurrent=4, queue=8)  # Ollama itself generates one answer at a time and queues the others


def broke(error: Exception) -> bool:
    """Whether a connection that stood has ended, as when Ollama restarts; a second try finds the new one."""
    return isinstance(error, BrokenError)


class OllamaUnavailableError(UnavailableError):
    """Ollama refused, hung, broke or lacks the model."""


class OllamaRefusedError(OllamaUnavailableError):
    """Ollama answered with an error; what was asked may be the reason, or a part of it."""


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
            async with self._http.request("GET", self._url + "/api/version", timeout=timeout(2.0)) as response:
                response.raise_for_status()

    async def embed(
        self, texts: Sequence[str], *, model: str | None = None, limit_s: float | None = None
    ) -> list[list[float]]:
        """One vector for each text, in order; raises OllamaUnavailableError. `limit_s` is for BATCH of them."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            async with self._embedding.call(OllamaUnavailableError):
                batch = texts[start : start + BATCH]
                limit = limit_s or (EMBED_ONE_TIMEOUT_S if len(batch) == 1 else EMBED_TIMEOUT_S)
                vectors += await self._embed(batch, model or self.embedding_model, limit)
        return vectors

    async def _embed(self, texts: Sequence[str], model: str, limit_s: float) -> list[list[float]]:
        async def once() -> list[list[float]]:
            wanted = {"model": model, "input": texts}
            with attempt("ollama"):
                answer = await self._http.exchange("POST", self._url + "/api/embed", wanted, limit_s=limit_s)
                if answer.status >= 400:
                    raise _refused(*answer)
                vectors: list[list[float]] = orjson.loads(answer.body)["embeddings"]
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
            self._stream("/api/generate", wanted, limits) as response,
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
    async def _stream(self, path: str, body: Any, limits: ClientTimeout) -> AsyncIterator[ClientResponse]:
        with failing_as(OllamaUnavailableError, "Ollama"), attempt("ollama"):
            async with self._http.request(
                "POST", self._url + path, json=body, timeout=limits, read_bufsize=LINE_BYTES
            ) as response:
                if response.status >= 400:
                    raise _refused(response.status, await response.read())
                yield response


def _refused(status: int, body: bytes) -> OllamaRefusedError:
    return OllamaRefusedError(f"Ollama answered {status}: {body[:200].decode(errors='replace')}")
