"""Answers a question from the passages found, with citations."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.common.ollama import Ollama
from services.common.qdrant import Hit

INSTRUCTION = (
    "Answer the question using only the passages of the context. After each statement give the number of the passage "
    "it rests on in square brackets, like [1]. If the passages do not answer the question, say so."
)
NOTHING_FOUND = "The collection holds no passage that answers this question."
_MARKER = re.compile(r"\[(\d+)\]")


class Event(NamedTuple):
    """A step of an answer: `sources`, `token` (many), `done`; the data is what a client gets."""

    name: str
    data: dict[str, Any]


def prompt(question: str, hits: Sequence[Hit]) -> str:
    """What the model is given."""
    passages = "\n\n".join(f"[{n}] ({hit.payload['path']}) {hit.payload['text']}" for n, hit in enumerate(hits, 1))
    return f"{INSTRUCTION}\n\nContext:\n{passages}\n\nQuestion: {question}"


def citation(marker: int, hit: Hit) -> dict[str, Any]:
    """The passage as an answer cites it (`models.Citation`)."""
    payload = hit.payload
    return {
        "marker": marker,
        "path": payload["path"],
        "title": payload.get("title"),
        "chunk": payload["chunk"],
        "text": payload["text"],
        "score": hit.score,
    }


def cited(answer: str, citations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The citations whose markers the answer uses; all of them if it uses none, for it rests on them all the same."""
    used = {int(number) for number in _MARKER.findall(answer)}
    return [c for c in citations if c["marker"] in used] or list(citations)


@dataclass(frozen=True)
class Answerer:
    """Has the model write the answer."""

    ollama: Ollama

    async def answer(self, question: str, hits: Sequence[Hit]) -> AsyncGenerator[Event, None]:
        """The answer's events. Without passages the model is not asked: it would answer from nowhere."""
        citations = [citation(marker, hit) for marker, hit in enumerate(hits, 1)]
        yield Event("sources", {"citations": citations})
        pieces = []
        async with aclosing(self._tokens(question, hits)) as tokens:
            async for piece in tokens:
                pieces.append(piece)
                yield Event("token", {"text": piece})
        text = "".join(pieces).strip()
        model = self.ollama.generation_model
        yield Event("done", {"answer": text, "citations": cited(text, citations), "model": model})

    async def _tokens(self, question: str, hits: Sequence[Hit]) -> AsyncGenerator[str, None]:
        if not hits:
            yield NOTHING_FOUND
            return
        async with aclosing(self.ollama.generate(prompt(question, hits))) as pieces:
            async for piece in pieces:
                yield piece
