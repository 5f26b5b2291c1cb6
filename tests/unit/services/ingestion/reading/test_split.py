import pytest

from services.ingestion.reading import tokens
from services.ingestion.reading.content import Part
from services.ingestion.reading.split import Chunk, Splitter
from services.ingestion.reading.tokens import counter, estimate


def words(text: str) -> int:
    return max(len(text.split()), len(text) // 8)


def splitter(limit: int = 40, overlap: int = 6, **changes: object) -> Splitter:
    return Splitter(limit, overlap, words, **changes)  # type: ignore[arg-type]  # the field of that name


def prose(sentences: int, start: int = 0) -> str:
    return " ".join(f"Sentence number {n} is here." for n in range(start, start + sentences))


def test_a_section_that_fits_is_one_chunk_under_its_heading() -> None:
    chunks = splitter().chunks("Title", [Part("Some words are here, and there are more of them now.", "Use > It", 3)])
    assert chunks == [Chunk("Some words are here, and there are more of them now.", "Use > It", "Use > It", 3)]


def test_a_part_without_a_section_is_embedded_under_the_title() -> None:
    (chunk,) = splitter().chunks("Title", [Part("Words.")])
    assert (chunk.context, chunk.section) == ("Title", None)


def test_short_sections_join_their_neighbours_with_their_headings() -> None:
    parts = [Part("Five words are in here.", "A"), Part(prose(3), "Top > B"), Part("Short.", "C")]
    (chunk,) = splitter(limit=60).chunks("T", parts)
    assert chunk.text == f"A\nFive words are in here.\n\n{prose(3)}\n\nC\nShort."
    assert (chunk.section, chunk.context) == ("Top > B", "Top > B")


def test_sections_that_stand_well_alone_are_not_joined() -> None:
    chunks = splitter().chunks("T", [Part(prose(3), "A"), Part(prose(3), "B")])
    assert [chunk.section for chunk in chunks] == ["A", "B"]


def test_an_empty_document_has_no_chunks() -> None:
    assert splitter().chunks("T", [Part("  \n ")]) == []


@pytest.mark.parametrize("text", ["", "Hello, world!", "internationalisation of Donaudampfschiffe", "a_b-c 12345"])
def test_the_estimate_is_on_the_safe_side(text: str) -> None:
    assert estimate(text) >= counter()(text)


def test_a_word_that_the_tokenizer_gives_up_on_still_counts() -> None:
    assert counter()("A" * 1000) == 125


def test_without_the_tokenizer_the_estimate_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "PACKAGE", "no_such_package")
    counter.cache_clear()
    try:
        assert counter() is estimate
    finally:
        counter.cache_clear()
