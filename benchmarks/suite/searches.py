"""A search that the cache knows, one that it does not, and what the second one cannot do without."""

from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import Any

import orjson

from benchmarks.benchmark import Bench, benchmark
from benchmarks.client import Caller, request
from benchmarks.figures import Figure, at_most, ratio
from benchmarks.searches import LIMIT, distinct, embeddings, remembered, repeated
from chaos.stack import Stack

OVERHEAD = at_most(1.15)  # the design's
ASKED = 10  # of each in a round


@benchmark(stack="plain", guard=True)
def searches(bench: Bench) -> Iterator[Figure]:
    """One client: an uncached search against its raw embedding and vector calls; and a cached one."""
    stack = bench.stack
    gateway, ollama, node = stack.address("kong"), stack.address("ollama"), stack.address("qdrant-0")
    remembered(stack, gateway)
    known, new = repeated(stack, gateway), distinct(stack, gateway)
    embed, vector = embeddings(ollama), _vector_search(stack, node)
    with Caller(gateway) as caller, Caller(ollama) as model, Caller(node) as vectors:
        order = count()
        asks = {
            "uncached": lambda: caller.ask(next(new)),
            "embedding": lambda: model.ask(next(embed)),
            "vectors": lambda: vectors.ask(vector),
            "cached": lambda: caller.ask(known[next(order) % len(known)]),
        }
        bench.in_turn(asks)  # connections and caches are warm
        taken = bench.in_turn(asks, rounds=bench.effort.rounds * ASKED)
    took = {name: _medians(seconds) for name, seconds in taken.items()}
    raw = [a + b for a, b in zip(took["embedding"], took["vectors"], strict=True)]
    parts = {f"ms: {name}": median(seconds) * 1000 for name, seconds in taken.items()}
    yield ratio("uncached / raw calls", took["uncached"], raw, better="lower", bound=OVERHEAD, parts=parts)
    yield ratio("cached / uncached", took["cached"], took["uncached"], better="lower")
    for name in ("cached", "uncached"):
        yield Figure(f"{name} search", "ms", tuple(seconds * 1000 for seconds in took[name]), "lower")


def _medians(seconds: list[float]) -> list[float]:
    """Of each round's: a single late answer is not what is compared."""
    return [median(seconds[start : start + ASKED]) for start in range(0, len(seconds), ASKED)]


def _vector_search(stack: Stack, node: str) -> bytes:
    ollama = stack.address("ollama")
    with Caller(ollama) as model:
        model.ask(next(embeddings(ollama)))
        (vector,) = orjson.loads(model.body)["embeddings"]
    wanted: dict[str, Any] = {"query": vector, "limit": LIMIT, "with_payload": True}
    return request(node, "/collections/docs/points/query", method="POST", body=wanted)
