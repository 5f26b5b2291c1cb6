"""A model that takes no time: one token a word, and vectors that say which text they belong to."""

import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from infra.embedded.ollama.batching import Batcher
from infra.embedded.ollama.catalog import extractive, minilm
from infra.embedded.ollama.model import DIMENSIONS, Embeddings, Tokens
from infra.embedded.ollama.server import build

MAX_WORDS = 256
MAX_QUEUE = 3
POISON = -1000


Client = TestClient[Request, Application]


@dataclass
class FakeModel:
    """Text `n word word` becomes the vector [n, 0, 0, …]; a text with the word `poison` breaks its batch."""

    gate: threading.Event = field(default_factory=threading.Event)  # a batch waits until it is set
    batches: list[list[Tokens]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        words = [text.split() for text in texts]
        return [Tokens(tuple(number(word) for word in text[:MAX_WORDS]), cut=len(text) > MAX_WORDS) for text in words]

    def embed(self, texts: Sequence[Tokens]) -> Embeddings:
        self.batches.append(list(texts))
        assert self.gate.wait(20)
        if any(POISON in text.ids for text in texts):
            raise RuntimeError("a poisoned batch")
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        vectors[:, 0] = [text.ids[0] if text.ids else 0 for text in texts]
        return vectors

    @property
    def embedded(self) -> int:
        """The number of texts that it was given."""
        return sum(map(len, self.batches))


def number(word: str) -> int:
    if word == "poison":
        return POISON
    return int(word) if word.isdigit() else -len(word)


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
async def batcher(model: FakeModel) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, MAX_QUEUE)
    async with batcher.running():
        yield batcher
        model.gate.set()


@pytest.fixture
async def client(model: FakeModel, tmp_path: Path) -> AsyncIterator[Client]:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    app = build(model, [minilm(weights, "d" * 64), extractive()], MAX_QUEUE)
    # The test server cancels a handler whose client has gone, as the real one does.
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client
        model.gate.set()
