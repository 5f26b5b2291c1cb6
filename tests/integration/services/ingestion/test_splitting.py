import hashlib
import random
import re
from itertools import pairwise

import pytest

from services.ingestion.reading.content import Part
from services.ingestion.reading.split import CUTTING, LINES, SENTENCES, Splitter
from services.ingestion.reading.tokens import SPECIAL, counter


def words(text: str) -> int:
    return max(len(text.split()), len(text) // 8)


def splitter(limit: int = 40, overlap: int = 6, **changes: object) -> Splitter:
    return Splitter(limit, overlap, words, **changes)  # type: ignore[arg-type]  # the field of that name


def prose(sentences: int, start: int = 0) -> str:
    return " ".join(f"Sentence number {n} is here." for n in range(start, start + sentences))


@pytest.mark.parametrize("limit", [32, 64, 256])
def test_no_chunk_with_its_context_is_longer_than_the_model_reads(limit: int) -> None:
    text = prose(100) + "\n\n" + "word " * 400 + "x" * 3000 + "\n" + "\u4e2d\u6587" * 300
    chunks = Splitter(limit, limit // 8, counter()).chunks("A title", [Part(text, "A section " * 50)])
    longest = max(counter()(f"{chunk.context}\n{chunk.text}") for chunk in chunks)
    assert longest + SPECIAL <= limit
    assert len(chunks) > 3


def test_nothing_is_lost_between_chunks_and_neighbours_share_whole_sentences() -> None:
    text = prose(30)
    chunks = [chunk.text for chunk in splitter().chunks("T", [Part(text)])]
    sentences = [re.findall(r"number (\d+) ", chunk) for chunk in chunks]
    assert sorted({int(number) for chunk in sentences for number in chunk}) == list(range(30))
    for before, after in pairwise(sentences):
        assert before[-1] == after[0]
    assert all(chunk.startswith("Sentence") and chunk.endswith(".") for chunk in chunks)


def test_without_an_overlap_each_sentence_stands_once() -> None:
    chunks = splitter(overlap=0).chunks("T", [Part(prose(30))])
    assert " ".join(chunk.text for chunk in chunks) == prose(30)


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    text = "\n\n".join(prose(4, start) for start in (0, 10, 20))
    assert [chunk.text for chunk in splitter(overlap=0).chunks("T", [Part(text)])] == text.split("\n\n")


def test_code_is_cut_between_lines_at_blank_ones_first() -> None:
    source = "\n\n".join(f"def f{n}(x):\n    y = x + {n}\n    return y * y + x" for n in range(6))
    chunks = splitter(borders=LINES, overlap=0).chunks("f.py", [Part(source)])
    assert len(chunks) > 1
    assert all(chunk.text.startswith("def ") for chunk in chunks)


def test_a_line_without_blanks_is_cut_by_its_letters() -> None:
    chunks = Splitter(32, 0, counter()).chunks("T", [Part("A" * 2000)])
    assert "".join(chunk.text for chunk in chunks) == "A" * 2000


def test_changed_cutting_has_a_new_number() -> None:
    parts = [Part(prose(60), "A > B", 1), Part("Short."), Part("x = 1\n\n" * 80, None, 2)]
    cut = repr(Splitter(64, 8, counter()).chunks("Title", parts)).encode()
    assert (CUTTING, hashlib.sha256(cut).hexdigest()[:8]) == (1, "ff92a231"), "raise CUTTING, then write it down here"


@pytest.mark.parametrize("signs", ["ab .\n", "\u4e2d\u3002 x", "\U0001f600 a.\n", " \n\t.,;", "A1-_/\n", "e\u0301 \n."])
def test_odd_texts_are_cut_within_the_limit_and_without_loss(signs: str) -> None:
    chance = random.Random(signs)
    for _ in range(20):
        text = "".join(chance.choices(signs, k=chance.randint(0, 1000)))
        chunks = Splitter(32, 0, counter(), chance.choice((LINES, SENTENCES))).chunks("Title", [Part(text)])
        assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
        assert all(counter()(f"{chunk.context}\n{chunk.text}") + SPECIAL <= 32 for chunk in chunks)
