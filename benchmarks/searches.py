"""What is asked of a stack: searches as bytes, those that a cache knows and those that none can."""

from collections.abc import Iterator
from itertools import count, cycle
from urllib.parse import quote
from uuid import uuid4

from benchmarks.client import Caller, request
from chaos.questions import QUESTIONS
from chaos.stack import Stack

LIMIT = 5
MODEL = "all-minilm"
PATH = "/api/v1/rag/search"


def target(question: str, collection: str = "docs") -> str:
    """The path of a search."""
    return f"{PATH}?q={quote(question)}&limit={LIMIT}" + (f"&collection={collection}" if collection != "docs" else "")


def headers(stack: Stack) -> dict[str, str]:
    """Those of a caller whom the gateway lets through."""
    return {"Authorization": f"Bearer {stack.token()}"}


def repeated(stack: Stack, address: str) -> list[bytes]:
    """The sample questions as requests to `address`."""
    return [request(address, target(question), headers(stack)) for question in QUESTIONS]


def distinct_questions() -> Iterator[str]:
    """Questions that have never been asked."""
    run = uuid4().hex[:6]
    return (f"{question} ({run}-{number})" for question, number in zip(cycle(QUESTIONS), count(), strict=False))


def distinct(stack: Stack, address: str, collection: str = "docs") -> Iterator[bytes]:
    """Searches at `address` that have never been made."""
    sent = headers(stack)
    return (request(address, target(question, collection), sent) for question in distinct_questions())


def embeddings(address: str) -> Iterator[bytes]:
    """What a search cannot do without: the model server at `address` asked for each question's vector."""
    for question in distinct_questions():
        yield request(address, "/api/embed", method="POST", body={"model": MODEL, "input": [question]})


def remembered(stack: Stack, address: str) -> dict[str, bytes]:
    """Have the cache know the sample questions; returns the answers' bodies."""
    bodies = {}
    with Caller(address) as caller:
        for question, sent in zip(QUESTIONS, repeated(stack, address), strict=True):
            caller.ask(sent)
            bodies[question] = caller.body
    return bodies
