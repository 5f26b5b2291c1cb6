from collections.abc import Sequence

import numpy as np
import pytest

from infra.embedded.ollama.batching import Embedded
from infra.embedded.ollama.extractive import MAX_CHARACTERS, NO_ANSWER, QUOTES, answer, best, compared, shared_words
from infra.embedded.ollama.model import DIMENSIONS


def prompt(question: str, *passages: str) -> str:
    context = "\n\n".join(f"[{n}] {passage}" for n, passage in enumerate(passages, 1))
    return f"Context:\n{context}\n\nQuestion: {question}"


async def alike(texts: Sequence[str]) -> Embedded:
    """The question and what has `yes` in it mean the same; nothing else has to do with it."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        vectors[row, 0 if row == 0 or "yes" in text else row] = 1
    return Embedded(vectors, len(texts))


async def test_the_answer_quotes_what_is_alike_with_its_passage() -> None:
    found = await answer(prompt("why?", "Cats sleep.", "I say yes.", "Dogs bark."), alike)
    assert found.text == '"I say yes." [2]'
    assert found.tokens == 4


async def test_quotes_stand_in_the_prompts_order_and_are_few() -> None:
    passages = [f"Number {n} says yes." for n in range(1, 6)]
    lines = (await answer(prompt("why?", *passages), alike)).text.splitlines()
    assert lines == [f'"Number {n} says yes." [{n}]' for n in range(1, QUOTES + 1)]


async def test_a_passage_without_a_number_is_quoted_without_a_marker() -> None:
    assert (await answer("Context:\nI say yes.\n\nQuestion: why?", alike)).text == '"I say yes."'


async def test_the_same_statement_is_quoted_once() -> None:
    assert (await answer(prompt("why?", "I say yes.", "I say yes."), alike)).text == '"I say yes." [1]'


@pytest.mark.parametrize("text", [prompt("why?", "Cats sleep."), "why?", "", prompt("", "I say yes.")])
async def test_where_nothing_fits_it_says_so(text: str) -> None:
    assert (await answer(text, alike)).text == NO_ANSWER


def test_only_what_fits_nearly_as_well_as_the_best_is_quoted() -> None:
    assert best(np.array([0.4, 0.9, 0.2, 0.8], dtype=np.float32)) == [1, 3]
    assert best(np.array([0.38, 0.3, 0.42], dtype=np.float32)) == [0, 2]
    assert best(np.array([0.38, 0.2], dtype=np.float32)) == []


def test_of_a_long_context_what_shares_words_with_the_question_is_compared() -> None:
    passages = [f"Filler {n} {'about nothing ' * 15}." for n in range(60)]
    passages[50] = "Zebras have stripes."
    _, candidates = compared(prompt("what do zebras have?", *passages))
    assert "Zebras have stripes." in [candidate.text for candidate in candidates]
    assert sum(len(candidate.text) for candidate in candidates) <= MAX_CHARACTERS


def test_a_statement_too_long_to_compare_is_passed_over() -> None:
    _, candidates = compared(prompt("why?", "x" * (MAX_CHARACTERS + 1)))
    assert candidates == []


def test_rare_words_count_more_and_forms_of_a_word_agree() -> None:
    first, second, third = shared_words(
        "which service restarted?", ["The service restarts.", "A service waits.", "A service sleeps."]
    )
    assert first == 1.0
    assert 0 < second == third < 0.5
    assert shared_words("", ["anything"]) == [0.0]
