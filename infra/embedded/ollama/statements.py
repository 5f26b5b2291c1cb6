"""Divides a text into what can be quoted from it: statements without headings, code and hints where to look."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

MIN_WORDS = 3  # of a sentence that stands by itself; "No." belongs to the next one
MAX_QUOTATION = 300  # characters, unless one sentence has more
MAX_HEADING = 80  # characters of a line that may be a heading without a mark

_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"\s*#{1,6}\s")
_ROW = re.compile(r"\s*\|")
_RULE = re.compile(r"\s*[|:=-][\s|:=-]*$")  # below a heading, below a table's head, or between paragraphs
_BULLET = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_SAYS_NOTHING = re.compile(
    r"^See \S+|\bThis (page|document|section|chapter|guide|handbook)\b|^It (explains|describes|lists)\b"
)
_SENTENCE_END = re.compile(r"""(?<=[.!?])[)"'*_`\]\u2019\u201d]*\s+(?=[("'*_`\[\u2018\u201c]*[A-Z0-9])""")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|Fig|No|Dr|Mr|Mrs|Ms|St)\.|\b[A-Z]\.)$")


@dataclass(frozen=True)
class Statement:
    """Adjacent sentences of a paragraph, a list item or a table row, word for word."""

    text: str
    lead: str = ""  # the heading and the line that it stands under: what it is about
    passage: int | None = None  # the number of the passage it is from; None where that has none


def statements(passage: str) -> Iterator[Statement]:
    """The statements of a Markdown or plain text.

    Headings, questions by themselves and lines that announce a list are leads only: quoting them would answer nothing.
    """
    heading = intro = ""
    was_item = False
    paragraphs = list(_paragraphs(passage))
    for paragraph, following in zip_longest(paragraphs, paragraphs[1:]):
        if _HEADING.match(paragraph) or _is_bare_heading(paragraph, following):
            heading, intro = paragraph.strip("# \n"), ""
            continue
        is_item = bool(_ROW.match(paragraph) or _BULLET.match(paragraph))
        if was_item and not is_item:
            intro = ""
        was_item = is_item
        lead = f"{heading} {intro}".strip()
        sentences = list(_sentences(paragraph))
        if len(sentences) > 1 and sentences[0][0].islower():  # its beginning is in another passage, or in code
            del sentences[0]
        if following and sentences and sentences[-1].endswith(":"):
            intro = sentences.pop()
        for run in _runs(sentences):
            yield Statement(run, lead)


def _is_bare_heading(paragraph: str, following: str | None) -> bool:
    """Whether it is a heading of a text without marks, or a question that what follows answers."""
    line = paragraph.strip()
    if line.endswith("?"):
        return not re.search(r"[.!:]\s", line)
    bare = "\n" not in line and len(line) <= MAX_HEADING and not (_BULLET.match(line) or _ROW.match(line))
    return following is not None and bare and not re.search(r"[.!:;,]$", line)


def _paragraphs(passage: str) -> Iterator[str]:
    """Headings, paragraphs, list items and table rows; a table's head is none, for it states nothing."""
    paragraph: list[str] = []
    code = False
    lines = passage.splitlines()
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        code ^= bool(_FENCE.match(line))
        skipped = code or not line.strip() or bool(_FENCE.match(line) or _RULE.match(line))
        alone = bool(_ROW.match(line) or _HEADING.match(line))
        if paragraph and (skipped or alone or _BULLET.match(line) or _is_heading_above(paragraph, line)):
            yield "\n".join(paragraph)
            paragraph = []
        if skipped or (_ROW.match(line) and _RULE.match(following)):
            continue
        if alone:
            yield line
        else:
            paragraph.append(line)
    if paragraph:
        yield "\n".join(paragraph)


def _is_heading_above(paragraph: Sequence[str], line: str) -> bool:
    """Whether the paragraph is but a heading of the text that begins with `line`: no text is wrapped that early."""
    first = paragraph[-1]
    return len(paragraph) == 1 and line[:1].isupper() and _is_bare_heading(first, line) and len(first) * 2 < len(line)


def _runs(sentences: Iterable[str]) -> Iterator[str]:
    """Adjacent sentences, as many together as make a quotation; those that only say where to look are left out."""
    run = ""
    for sentence in sentences:
        says_nothing = bool(_SAYS_NOTHING.search(sentence))
        if run and (says_nothing or len(run) + len(sentence) > MAX_QUOTATION):
            yield run
            run = ""
        if not says_nothing:
            run = f"{run} {sentence}".lstrip()
    if run:
        yield run


def _sentences(paragraph: str) -> Iterator[str]:
    """A row as a whole, without its outer bars; else the sentences, one that says nothing alone with the next."""
    if _ROW.match(paragraph):
        yield " ".join(paragraph.strip("| \t").split())
        return
    bullet = _BULLET.match(paragraph)
    text = " ".join(paragraph[bullet.end() if bullet else 0 :].replace('"""', " ").split())
    start = 0
    for end in _SENTENCE_END.finditer(text):
        sentence = text[start : end.end()].strip()
        leads_on = sentence.endswith("?") or len(sentence.split()) < MIN_WORDS
        if leads_on and len(sentence) <= MAX_QUOTATION:
            continue
        if _ABBREVIATION.search(text, max(start, end.start() - 8), end.start()):
            continue
        yield sentence
        start = end.end()
    if text[start:]:
        yield text[start:]
