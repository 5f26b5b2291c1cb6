"""The stack against the retrievers that other frameworks have, at the same vector nodes and the same embedder."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.benchmark import Bench, benchmark
from benchmarks.client import closed_loop
from benchmarks.figures import Bound, Figure, at_least, ratio
from benchmarks.node import ask, sample_points
from benchmarks.retrievers.session import Chunk, Given
from benchmarks.searches import LIMIT, MODEL, distinct, embeddings
from chaos.questions import QUESTIONS
from chaos.stack import Stack
from infra.settings import PROJECT_ROOT
from infra.targets.local.launch import die_with_parent
from services.common.qdrant import REPLICATION

RETRIEVERS = {"LlamaIndex": "with_llamaindex", "LangChain": "with_langchain", "Haystack": "with_haystack"}
FOLDER = PROJECT_ROOT / "benchmarks" / "retrievers"
PYTHON = PROJECT_ROOT / ".tools" / "bench-venv" / "bin" / "python"
SIZE = 384
CLIENTS = (1, 16)
OURS = "this stack"
EMBEDDING = "its questions' embedding alone"  # what no search can be faster than: the model server asked directly
TWICE = at_least(2)  # the design's, at 16 clients
BOUNDS: dict[tuple[str, int], Bound] = {("LlamaIndex", 16): TWICE}

SILENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
}
"""Nothing is told to anybody, and nothing waits for it."""


class RetrieverError(RuntimeError):
    """A framework's retriever has ended; the message has its last words."""


@benchmark(stack="plain")
def frameworks(bench: Bench) -> Iterator[Figure]:
    """Uncached searches a second through the gateway, against LlamaIndex's, LangChain's and Haystack's retrievers."""
    subprocess.run([FOLDER / "setup"], check=True)
    stack = bench.stack
    gateway = stack.address("kong")
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="breakwater-bench-")))
        chunks = folder / "chunks.json"
        chunks.write_text(json.dumps([asdict(chunk) for chunk in _chunks(stack)]))
        theirs = {
            name: opened.enter_context(_retriever(stack, name, script, chunks)) for name, script in RETRIEVERS.items()
        }
        for clients in CLIENTS:
            measures = {name: partial(one.rate, clients, bench.effort.seconds) for name, one in theirs.items()}
            measures[OURS] = partial(_rate, gateway, distinct(stack, gateway), clients, bench.effort.seconds)
            measures[EMBEDDING] = partial(
                _rate, stack.address("ollama"), embeddings(stack.address("ollama")), clients, bench.effort.seconds
            )
            bench.in_turn(measures, rounds=1)  # connections and threads are there
            rates = bench.in_turn(measures)
            parts = {f"a second, {clients} clients: {name}": median(each) for name, each in rates.items()}
            for name in RETRIEVERS:
                title = f"this stack / {name}, {clients} client{'s' * (clients > 1)}"
                bound = BOUNDS.get((name, clients))
                yield ratio(title, rates[OURS], rates[name], better="higher", bound=bound, parts=parts)
            for name, each in rates.items():
                yield Figure(f"{name}, {clients} client{'s' * (clients > 1)}", "questions/s", tuple(each), "higher")


def _rate(address: str, requests: Iterator[bytes], clients: int, seconds: float) -> float:
    return closed_loop(address, requests, clients=clients, seconds=seconds).rate


class _Retriever:
    """A framework's retriever in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process, self._log = process, log

    def rate(self, clients: int, seconds: float) -> float:
        """The searches a second of so many clients."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"clients": clients, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        seen = self.answer()
        return float(seen["answered"] / seen["seconds"])

    def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise RetrieverError(self._log.read_text()[-1000:])
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def _retriever(stack: Stack, name: str, script: str, chunks: Path) -> Iterator[_Retriever]:
    url, collection = stack.url("qdrant-0"), f"bench-{name.lower()}"
    given = Given(
        qdrant=url,
        grpc_port=_grpc(stack),
        ollama=stack.url("ollama"),
        model=MODEL,
        size=SIZE,
        collection=collection,
        limit=LIMIT,
        replication=REPLICATION,
        questions=list(QUESTIONS),
        chunks=str(chunks),
    )
    log = chunks.with_name(f"{name}.log")
    ask("DELETE", f"{url}/collections/{collection}")  # what a killed run left
    with log.open("w") as said:
        process = subprocess.Popen(
            [PYTHON, "-m", f"benchmarks.retrievers.{script}"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **SILENT, "GIVEN": json.dumps(asdict(given))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no other thread runs
        )
        try:
            one = _Retriever(process, log)
            if (found := one.answer()["found"]) != LIMIT:
                raise RetrieverError(f"{name} has found {found} passages instead of {LIMIT}")
            yield one
        finally:
            process.kill()
            process.communicate()
            ask("DELETE", f"{url}/collections/{collection}")


def _grpc(stack: Stack) -> int | None:
    """The port at which the node speaks gRPC, if it does."""
    port = stack.port("qdrant-0", "grpc")
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return None
    return port


def _chunks(stack: Stack) -> list[Chunk]:
    """The sample documents' chunks, as the stack itself has them."""
    found = sample_points(stack.url("qdrant-0"))
    return [Chunk(point["payload"]["text"], point["payload"]["path"], point["vector"]) for point in found]
