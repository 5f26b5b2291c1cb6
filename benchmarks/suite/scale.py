"""Whether a search costs more where there are more chunks."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.benchmark import Bench, benchmark
from benchmarks.client import Caller, request
from benchmarks.figures import Figure, at_most, ratio
from benchmarks.node import ask, sample_points
from benchmarks.searches import LIMIT, distinct
from chaos.stack import Stack
from infra.topology import QDRANT_NODES
from services.common.qdrant import REPLICATION

SMALLEST = 1_000
SIZES = {True: (SMALLEST, 10_000), False: (SMALLEST, 10_000, 100_000)}
BOUNDS = {100_000: at_most(1.5)}  # the design's, against the smallest
BATCH = 500
NEAR = 0.6  # how far a made-up chunk is from the real one that it comes from, which is as long as 1
ASKED = 10
PATIENCE_S = 600.0
LOOK_S, CALM_LOOKS = 0.2, 5


@benchmark(stack="plain")
def scale(bench: Bench) -> Iterator[Figure]:
    """What a search costs at 1,000, 10,000 and 100,000 chunks: at the vector node, and the whole uncached one."""
    stack, sizes = bench.stack, SIZES[bench.effort.quick]
    node, gateway = stack.address("qdrant-0"), stack.address("kong")
    with _collections(stack, sizes) as vectors, Caller(node) as searcher, Caller(gateway) as caller:
        picks = np.random.default_rng(1)
        whole = {size: distinct(stack, gateway, _name(size)) for size in sizes}

        def search(size: int) -> float:
            vector = _around(vectors, 1, picks)[0]
            return searcher.ask(_points(node, size, "query", {"query": vector.tolist(), **_WANTED}))

        def route(size: int) -> float:
            return caller.ask(next(whole[size]))

        asks = {("node", size): partial(search, size) for size in sizes}
        asks |= {("route", size): partial(route, size) for size in sizes}
        bench.in_turn(asks, rounds=5)
        taken = bench.in_turn(asks, rounds=bench.effort.rounds * ASKED)
    took = {key: _medians(seconds) for key, seconds in taken.items()}
    for door, label in (("node", "at the vector node"), ("route", "the whole search")):
        parts = {f"ms: {size:,} chunks": median(took[door, size]) * 1000 for size in sizes}
        for size in sizes[1:]:
            title = f"{label}, {size:,} / {SMALLEST:,} chunks"
            bound = BOUNDS.get(size)
            yield ratio(title, took[door, size], took[door, SMALLEST], better="lower", bound=bound, parts=parts)
        for size in sizes:
            values = tuple(seconds * 1000 for seconds in took[door, size])
            yield Figure(f"{label}, {size:,} chunks", "ms", values, "lower")


_WANTED: dict[str, Any] = {"limit": LIMIT, "with_payload": True}


def _medians(seconds: list[float]) -> list[float]:
    return [median(seconds[start : start + ASKED]) for start in range(0, len(seconds), ASKED)]


def _name(size: int) -> str:
    return f"bench-{size}"


def _points(node: str, size: int, action: str, body: object) -> bytes:
    return request(node, f"/collections/{_name(size)}/points/{action}", method="POST", body=body)


@contextmanager
def _collections(stack: Stack, sizes: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """A collection of each size, replicated as the services' are; yields the vectors that all are made of."""
    nodes = [stack.url(node) for node in QDRANT_NODES]
    url = nodes[0]
    found = sample_points(url)
    vectors = np.array([point["vector"] for point in found], dtype=np.float32)
    payloads = [point["payload"] for point in found]
    try:
        for size in sizes:
            _fill(nodes, size, vectors, payloads)
        yield vectors
    finally:
        for size in sizes:
            ask("DELETE", f"{url}/collections/{_name(size)}")


def _fill(nodes: Sequence[str], size: int, vectors: NDArray[np.float32], payloads: list[dict[str, Any]]) -> None:
    url = nodes[0]
    path = f"/collections/{_name(size)}"
    ask("DELETE", url + path)  # what a killed run left
    ask("PUT", url + path, {"vectors": {"size": vectors.shape[1], "distance": "Cosine"}, **REPLICATION})
    random = np.random.default_rng(size)
    for start in range(0, size, BATCH):
        rows = _around(vectors, BATCH, random).tolist()
        points = [
            {"id": start + place, "vector": row, "payload": payloads[(start + place) % len(payloads)]}
            for place, row in enumerate(rows)
        ]
        ask("PUT", f"{url}{path}/points?wait=true", {"points": points})
    for node in nodes:  # each builds its own
        _wait_for_index(node, path)


def _wait_for_index(url: str, path: str) -> None:
    """Wait until nothing is left to be indexed, for some looks in a row: it does not begin at once."""
    deadline, calm = time.monotonic() + PATIENCE_S, 0
    while calm < CALM_LOOKS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} has no whole index after {PATIENCE_S:g} s")
        calm = calm + 1 if ask("GET", url + path)["status"] == "green" else 0
        time.sleep(LOOK_S)


def _around(vectors: NDArray[np.float32], number: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Vectors near real ones: a collection of equally distributed ones is like no documents at all."""
    noise = random.normal(size=(number, vectors.shape[1])) * NEAR / np.sqrt(vectors.shape[1])
    near: NDArray[np.float32] = (vectors[random.integers(len(vectors), size=number)] + noise).astype(np.float32)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    return near
