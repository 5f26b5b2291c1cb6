"""Embeds the texts of all requests in shared batches, one batch at a time, in one worker thread."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from infra.embedded.ollama.model import DIMENSIONS, Embeddings, Tokens

BATCH_TOKENS = 512  # padding included; 0.1 s on two cores, and larger batches are no faster there


class ServerBusyError(RuntimeError):
    """As many requests wait as may."""


class InputTooLongError(ValueError):
    """A text has more tokens than the model reads, and its sender wants nothing cut off."""


class Model(Protocol):
    """What the batcher runs; both methods block."""

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]: ...

    def embed(self, texts: Sequence[Tokens]) -> Embeddings: ...


class Embedded(NamedTuple):
    """A request's embeddings, in the order of its texts, and the number of tokens read for them."""

    embeddings: Embeddings
    tokens: int


class _Text(NamedTuple):
    row: int
    tokens: Tokens


@dataclass
class _Request:
    """Texts still to embed, the longest last, and the rows that are done."""

    todo: list[_Text]
    embeddings: Embeddings
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.todo.sort(key=lambda text: len(text.tokens.ids))
        self.missing = len(self.todo)


class Batcher:
    """Embeds for many requests at once; one that is cancelled drops what it has not had yet."""

    def __init__(self, model: Model, max_queue: int) -> None:
        self._model = model
        self._max_queue = max_queue
        self._pending = 0
        self._requests: deque[_Request] = deque()
        self._arrival = asyncio.Event()

    async def embed(self, texts: Sequence[str], *, truncate: bool = True) -> Embedded:
        """Embed `texts`; raises ServerBusyError, and InputTooLongError where a text must not be cut but would be."""
        if self._pending >= self._max_queue:
            raise ServerBusyError
        self._pending += 1
        try:
            tokens = await asyncio.to_thread(self._model.tokenize, texts)
            if not truncate and any(text.cut for text in tokens):
                raise InputTooLongError
            embeddings = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
            if tokens:
                request = _Request([_Text(row, text) for row, text in enumerate(tokens)], embeddings)
                self._requests.append(request)
                self._arrival.set()
                await request.done
            return Embedded(embeddings, sum(len(text.ids) for text in tokens))
        finally:
            self._pending -= 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work off the requests while the context lasts."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="minilm") as worker:
            work = asyncio.create_task(self._work(worker))
            try:
                yield
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _work(self, worker: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrival.wait()
            batch = self._next_batch()
            if not batch:
                self._arrival.clear()
                continue
            try:
                embeddings = await loop.run_in_executor(worker, self._model.embed, [text.tokens for _, text in batch])
            except Exception as error:  # noqa: BLE001 - whatever breaks a batch is its requests' error, not the worker's
                _fail(batch, error)
            else:
                _deliver(batch, embeddings)

    def _next_batch(self) -> list[tuple[_Request, _Text]]:
        """Texts of similar length, from each request in turn: a large request does not hold up a small one."""
        batch: list[tuple[_Request, _Text]] = []
        served: list[_Request] = []
        waiting: list[_Request] = []
        for request in self._requests:
            if request.done.done():  # its client hung up
                continue
            before = len(batch)
            while request.todo and _fits(request.todo[-1], batch):
                batch.append((request, request.todo.pop()))
            if request.todo:
                (waiting if len(batch) == before else served).append(request)
        self._requests = deque(waiting + served)
        return batch


def _fits(text: _Text, batch: list[tuple[_Request, _Text]]) -> bool:
    """Whether `text` neither makes the batch too large nor wastes more than half of a row on padding."""
    if not batch:
        return True
    length, longest = len(text.tokens.ids), max(len(other.tokens.ids) for _, other in batch)
    low, high = sorted((length, longest))
    return low * 2 >= high and (len(batch) + 1) * high <= BATCH_TOKENS


def _deliver(batch: list[tuple[_Request, _Text]], embeddings: Embeddings) -> None:
    for (request, text), embedding in zip(batch, embeddings, strict=True):
        request.embeddings[text.row] = embedding
        request.missing -= 1
        if request.missing == 0 and not request.done.done():
            request.done.set_result(None)


def _fail(batch: list[tuple[_Request, _Text]], error: Exception) -> None:
    for request, _ in batch:
        if not request.done.done():
            request.done.set_exception(error)
