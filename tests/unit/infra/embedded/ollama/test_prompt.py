import random

import pytest

from infra.embedded.ollama.prompt import parse
from infra.embedded.ollama.statements import Statement
from services.common.qdrant import Hit
from services.query.answer import prompt


def test_the_query_services_prompt_is_understood() -> None:
    texts = ["The sky is blue.", "# Grass\n\nGrass is green.\n\nIt grows in meadows."]
    hits = [Hit(n, 0.5, {"path": f"{n}.md", "text": text}) for n, text in enumerate(texts)]
    assert parse(prompt("what is green?", hits)) == (
        "what is green?",
        [
            Statement("The sky is blue.", "", 1),
            Statement("Grass is green.", "Grass", 2),
            Statement("It grows in meadows.", "Grass", 2),
        ],
    )


@pytest.mark.parametrize(
    "text",
    [
        "Context:\n[1] Grass is green.\n\nQuestion: what is green?",
        "Context:\n[1] Grass is green.\n\nQuestion: what is green?\nAnswer:",
        "Use the context.\n\n### Context:\n\n[1] Grass is green.\n\n**Question:** what is green?\n\n",
        "context:\n[1] Grass is green.\n\nwhat is green?",
        "[1] Grass is green.\n\nwhat is green?",
    ],
)
def test_prompts_may_be_written_in_several_ways(text: str) -> None:
    assert parse(text) == ("what is green?", [Statement("Grass is green.", "", 1)])


def test_a_context_without_numbers_is_one_passage() -> None:
    assert parse("Context:\nGrass is green.\n\nQuestion: why?").statements == [Statement("Grass is green.")]


@pytest.mark.parametrize("text", ["", "\n", "hello", "Who are you?\n\nI mean, really.", "Question:", "Context:\n[1]"])
def test_without_a_context_there_is_nothing_to_quote(text: str) -> None:
    assert parse(text).statements == []


def test_a_footnote_or_a_gap_begins_no_passage() -> None:
    context = "[1] (a.md) One is here.\n[2] is a footnote.\n[7] so is this.\n\n[2] (b.md) Two is there."
    assert [statement.passage for statement in parse(f"{context}\n\nQuestion: ?").statements] == [1, 2]


def test_every_statement_stands_in_the_prompt_word_for_word() -> None:
    rng = random.Random(1)
    parts = [
        "Word",
        "word.",
        "Is it?",
        "\n",
        "\n\n",
        "# ",
        "- ",
        "1. ",
        "| a | b |",
        "|---|",
        "```",
        ":",
        "[1]",
        "[2] (p)",
    ]
    parts += ["Context:", "Question:", "Answer:", "**", '"', "e.g.", "("]
    for _ in range(500):
        text = "Context:\n[1] " + " ".join(rng.choices(parts, k=40))
        for statement in parse(text).statements:
            assert statement.text in " ".join(text.split())
            assert statement.text
