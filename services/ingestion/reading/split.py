"""Cuts a document's parts into chunks that the embedding model reads whole."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.ingestion.reading.content import Part
from services.ingestion.reading.tokens import SPECIAL, Count

CUTTING = 1  # raise it with every change that cuts or words chunks differently: documents are then embedded anew
SMALL = 4  # a part below this fraction of a chunk joins its neighbour
CONTEXT = 4  # the context may take up this fraction of a chunk
SENTENCES = re.compile(r"(?<=[.!?]\s)|(?<=[\u3002\uff01\uff1f])|(?<=\n)(?![a-z])")
LINES = re.compile(r"(?<=\n)")


@dataclass(frozen=True)
class Chunk:
    """A passage as its reader sees it, and the line before it that tells the embedding model what it is about.

    The context is the section, or the title where there is none. Over tests/golden-questions.yaml that found all 30,
    the text alone or title and section together 29.
    """

    text: str
    context: str
    section: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Splitter:
    """Cuts at the most natural borders; all sizes are in tokens of the embedding model."""

    limit: int
    overlap: int
    count: Count
    borders: re.Pattern[str] = SENTENCES

    def chunks(self, title: str, parts: Sequence[Part]) -> list[Chunk]:
        """Chunks that with their context have at most `limit` tokens; those of one part share up to `overlap`."""
        return [chunk for part in self._joined(parts) for chunk in self._cut(title, part)]

    def _joined(self, parts: Sequence[Part]) -> Iterator[Part]:
        """The parts, small ones together with a neighbour."""
        small, room = self.limit // SMALL, self.limit - SPECIAL - self.limit // CONTEXT
        group: list[tuple[int, Part]] = []
        for part in parts:
            size = self.count(part.text) + self.count(_heading(part))
            before = sum(size for size, _ in group)
            if group and (min(size, before) >= small or before + size > room):
                yield _one(group)
                group = []
            group.append((size, part))
        if group:
            yield _one(group)

    def _cut(self, title: str, part: Part) -> Iterator[Chunk]:
        context = self._clipped(part.section or title)
        room = self.limit - SPECIAL - self.count(context)
        for start, end in self._spans(part.text, room):
            if text := part.text[start:end].strip():
                yield Chunk(text, context, part.section, part.page)

    def _clipped(self, context: str) -> str:
        while self.count(context) > self.limit // CONTEXT:
            context = context.rpartition(" ")[0] or context[: len(context) // 2]
        return context

    def _spans(self, text: str, room: int) -> Iterator[tuple[int, int]]:
        """Where each chunk begins and ends in the text."""
        if self.count(text) <= room:
            yield (0, len(text))
            return
        overlap = min(self.overlap, room // 2)
        start = end = 0
        for piece in _pieces(text, room - overlap, self.count, self.borders):
            begins = text.index(piece, end)
            yield (self._overlapping(text, start, end, overlap) if end and overlap else begins, begins + len(piece))
            start, end = begins, begins + len(piece)

    def _overlapping(self, text: str, start: int, end: int, overlap: int) -> int:
        """Where the last sentences of text[start:end] begin that fit into the overlap."""
        begins = end
        for match in reversed([*self.borders.finditer(text[start:end])]):
            if self.count(text[start + match.start() : end]) > overlap:
                break
            begins = start + match.start()
        return begins


def _pieces(text: str, size: int, count: Count, borders: re.Pattern[str]) -> list[str]:
    # Takes seconds and 90 MB to import, and short documents don't need it.
    from llama_index.core.node_parser import SentenceSplitter  # noqa: PLC0415

    def tokens(piece: str) -> Any:
        return range(count(piece) or 1)  # only its length is asked; what has none would be repeated in the next piece

    def sentences(text: str) -> list[str]:
        return [sentence for sentence in borders.split(text) if sentence]  # it never ends on an empty one

    splitter = SentenceSplitter(
        chunk_size=size,
        chunk_overlap=0,
        tokenizer=tokens,
        paragraph_separator="\n\n",
        chunking_tokenizer_fn=sentences,  # its default wants data that NLTK downloads where it is missing
    )
    return splitter.split_text(text)


def _one(group: Sequence[tuple[int, Part]]) -> Part:
    """One part under the section and page of the largest; the others' headings stand in the text."""
    if len(group) == 1:
        return group[0][1]
    _, main = max(group, key=lambda sized: sized[0])
    texts = [part.text if part is main else f"{_heading(part)}\n{part.text}".strip("\n") for _, part in group]
    return Part("\n\n".join(texts), main.section, main.page)


def _heading(part: Part) -> str:
    return (part.section or "").rpartition(" > ")[2]
