"""What the retrievers' scripts share: what they are told, and how they are driven. Needs nothing but Python.

Each line on standard input is a load: `{"clients": 16, "seconds": 1.0}`. Each line on standard output answers one:
how many searches, in how many seconds, with how much processor time. The first line says that all chunks are there.
"""

import asyncio
import itertools
import json
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

THREADS = 32  # for what is not asynchronous: asyncio's own number would be six on two cores

Retrieve = Callable[[str], Awaitable[int]]
"""From a question to the number of passages found."""


@dataclass(frozen=True)
class Chunk:
    """A chunk of a document, as the stack's own collection has it."""

    text: str
    path: str
    vector: list[float]


@dataclass(frozen=True)
class Given:
    """What a script gets as JSON: where everything is, and what to search."""

    qdrant: str
    grpc_port: int | None  # None: the node speaks no gRPC
    ollama: str
    model: str
    size: int  # of its vectors
    collection: str
    limit: int
    replication: dict[str, Any]
    questions: list[str]
    chunks: str  # the file with the chunks

    def read_chunks(self) -> list[Chunk]:
        """The chunks to search."""
        return [Chunk(**chunk) for chunk in json.loads(Path(self.chunks).read_text())]

    @property
    def client(self) -> dict[str, Any]:
        """The arguments of a Qdrant client: gRPC where there is one, as it is faster."""
        grpc = {"prefer_grpc": True, "grpc_port": self.grpc_port} if self.grpc_port else {}
        return {"url": self.qdrant, **grpc}


def serve(prepare: Callable[[Given], Awaitable[Retrieve]]) -> None:
    """Prepare the retriever that is to be measured, then measure it as told, until standard input ends."""
    asyncio.run(_serve(prepare))


async def _serve(prepare: Callable[[Given], Awaitable[Retrieve]]) -> None:
    loop, out = asyncio.get_running_loop(), sys.stdout
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    given = Given(**json.loads(os.environ["GIVEN"]))
    with redirect_stdout(sys.stderr):  # what a library prints is no answer
        retrieve = await prepare(given)
        found = await retrieve(given.questions[0])
        _say(out, {"found": found})
        run, numbers = uuid.uuid4().hex[:6], itertools.count()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            told = json.loads(line)
            questions = (f"{question} ({run}-{next(numbers)})" for question in itertools.cycle(given.questions))
            _say(out, await _load(retrieve, questions, told["clients"], told["seconds"]))


async def _load(retrieve: Retrieve, questions: Iterator[str], clients: int, seconds: float) -> dict[str, float]:
    began, cpu, answered = time.perf_counter(), time.process_time(), 0

    async def client() -> None:
        nonlocal answered
        while time.perf_counter() < began + seconds:
            await retrieve(next(questions))
            answered += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    return {"answered": answered, "seconds": took, "cpu_s": time.process_time() - cpu}


def _say(out: TextIO, answer: Mapping[str, float]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()
