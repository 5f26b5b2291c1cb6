import asyncio
import time

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from .conftest import Server

QUESTION = "how do circuit breakers work"
LONG = "A circuit breaker stops calls to a failing service, and after a pause it lets one through. " * 40
"""More than twice the 256 tokens that the model reads."""


def embed(client: httpx.Client, *texts: str, **more: object) -> NDArray[np.float64]:
    answer = client.post("/api/embed", json={"model": "all-minilm", "input": texts, **more})
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["embeddings"])


def test_similarities_are_those_of_all_minilm(client: httpx.Client) -> None:
    # Measured with the model's forward pass in NumPy.
    vectors = embed(client, QUESTION, "a circuit breaker stops calls to a failing service", "bananas are yellow")
    assert vectors[0] @ vectors[1] == pytest.approx(0.563, abs=0.01)
    assert vectors[0] @ vectors[2] == pytest.approx(0.053, abs=0.01)


def test_vectors_have_384_numbers_and_length_1(client: httpx.Client) -> None:
    vectors = embed(client, QUESTION, "", "ü 漢字 🙂", LONG)
    assert vectors.shape == (4, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(client: httpx.Client) -> None:
    texts = [" ".join([QUESTION] * n) for n in (1, 9, 2, 30, 1, 17, 4)]
    alone = np.concatenate([embed(client, text) for text in texts])
    assert embed(client, *texts) == pytest.approx(alone, abs=1e-5)


def test_both_endpoints_give_the_same_vector(client: httpx.Client) -> None:
    older = client.post("/api/embeddings", json={"model": "all-minilm", "prompt": QUESTION}).json()["embedding"]
    assert older == pytest.approx(embed(client, QUESTION)[0], abs=1e-6)


def test_what_is_beyond_256_tokens_is_cut_off_or_refused(client: httpx.Client) -> None:
    answer = client.post("/api/embed", json={"model": "all-minilm", "input": LONG})
    assert answer.json()["prompt_eval_count"] == 256
    assert embed(client, LONG) == pytest.approx(embed(client, LONG + "Bananas are yellow."), abs=1e-6)
    refused = client.post("/api/embed", json={"model": "all-minilm", "input": LONG, "truncate": False})
    assert (refused.status_code, refused.json()) == (400, {"error": "input exceeds maximum context length"})


def test_fewer_dimensions_are_the_first_ones_of_length_1(client: httpx.Client) -> None:
    whole, short = embed(client, QUESTION)[0], embed(client, QUESTION, dimensions=64)[0]
    assert short == pytest.approx(whole[:64] / np.linalg.norm(whole[:64]), abs=1e-5)
    assert embed(client, QUESTION, dimensions=1000).shape == (1, 384)


async def test_it_answers_others_while_it_embeds_much(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        body = {"model": "all-minilm", "input": [LONG] * 30}
        large = asyncio.create_task(client.post("/api/embed", json=body))
        took = []
        while not large.done():
            started = time.perf_counter()
            await client.get("/api/version")
            took.append(time.perf_counter() - started)
            await asyncio.sleep(0.01)
        assert large.result().status_code == 200
    assert len(took) > 10
    assert sorted(took)[len(took) * 9 // 10] < 0.05


async def test_a_client_that_hangs_up_stops_its_work(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/api/embed", json={"model": "all-minilm", "input": [LONG] * 300}, timeout=0.3)
    deadline = time.monotonic() + 3  # the whole request takes longer
    while server.process.cpu_percent(0.2) > 20:
        assert time.monotonic() < deadline, "it still embeds"


def test_the_graph_is_built_once(server: Server) -> None:
    (folder,) = server.data.iterdir()
    assert {file.name for file in folder.iterdir()} == {"graph.onnx", "weights.bin"}


def test_it_starts_small(server: Server) -> None:
    assert server.idle_mb < 180  # 145 when nothing watches it
