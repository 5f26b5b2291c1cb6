"""Answers a prompt with the sentences of its context that answer best, quoted word for word with their markers."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.embedded.ollama.batching import Embedded
from infra.embedded.ollama.prompt import parse
from infra.embedded.ollama.statements import Statement

NO_ANSWER = "The given context does not answer this."

MAX_CHARACTERS = 6000  # of the statements compared: five passages of 256 tokens
QUOTES = 3  # at most
THRESHOLD = 0.4  # of the best score, below which nothing is quoted
RATIO = 0.8  # of the best score that another must reach
WORDS_WEIGHT = 0.3  # of the words shared with the question, beside the cosine similarity
RANK_WEIGHT = 0.02  # a prompt's passages stand in the order of their likeness to the question

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after all also an and any are as at be been before but by can could did do does for from had has
        have how i if in into is it its just like me my no not of on one or our out over should so some than that the
        their them then there these they this those to too up us use was we were what when where which who why will
        with would you your""",
    )
)

Scores = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Awaitable[Embedded]]


@dataclass(frozen=True)
class Answer:
    """An answer and the number of tokens read for it."""

    text: str
    tokens: int


@dataclass(frozen=True)
class Candidate:
    """A statement that may be quoted."""

    statement: Statement
    text: str  # as it is compared with the question
    prior: float  # what speaks for it before its meaning is compared

    @property
    def quotation(self) -> str:
        """As an answer has it."""
        passage = self.statement.passage
        return f'"{self.statement.text}"' + ("" if passage is None else f" [{passage}]")


async def answer(text: str, embed: Embed) -> Answer:
    """The answer to the prompt `text`."""
    question, candidates = await asyncio.to_thread(compared, text)
    if not candidates:
        return Answer(NO_ANSWER, 0)
    vectors, tokens = await embed([question, *(candidate.text for candidate in candidates)])
    scores = vectors[1:] @ vectors[0] + np.array([candidate.prior for candidate in candidates], dtype=np.float32)
    return Answer("\n".join(candidates[row].quotation for row in best(scores)) or NO_ANSWER, tokens)


def compared(text: str) -> tuple[str, list[Candidate]]:
    """A prompt's question and what to compare with it: each text once, the likeliest if there are too many."""
    question, statements = parse(text)
    texts = [f"{statement.lead} {statement.text}".lstrip() for statement in statements]
    words = shared_words(question, texts)
    rank = [statement.passage or 1 for statement in statements]
    prior = [WORDS_WEIGHT * shared - RANK_WEIGHT * place for shared, place in zip(words, rank, strict=True)]
    rows: dict[str, int] = {}
    room = MAX_CHARACTERS if question else 0
    for row in sorted(range(len(texts)), key=lambda row: -prior[row]):
        if texts[row] not in rows and len(texts[row]) <= room:
            rows[texts[row]] = row
            room -= len(texts[row])
    return question, [Candidate(statements[row], texts[row], prior[row]) for row in sorted(rows.values())]


def best(scores: Scores) -> list[int]:
    """The rows to quote, in their order: the best if it fits, and what fits nearly as well."""
    ranked = np.argsort(-scores, kind="stable")[:QUOTES].tolist()
    highest = scores[ranked[0]]
    return sorted(row for row in ranked if scores[row] >= RATIO * highest) if highest >= THRESHOLD else []


def shared_words(question: str, texts: Sequence[str]) -> list[float]:
    """How much of the question's words each text has, from 0 to 1; words that few texts have count more."""
    has = [_stems(text) for text in texts]
    frequency = Counter(stem for stems in has for stem in stems)
    weight = {stem: math.log(1 + len(has) / (1 + frequency[stem])) for stem in _stems(question)}
    total = sum(weight.values()) or 1.0
    return [sum(weight.get(stem, 0.0) for stem in stems) / total for stems in has]


def _stems(text: str) -> set[str]:
    """The words that carry meaning, cut to what their forms have in common: `restarts` and `restarted` agree."""
    words = re.findall(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", text.lower())
    return {re.sub(r"(?:ing|ed|es|s|e|y|ies)$", "", word) if len(word) > 4 else word for word in words} - _STOP_WORDS
