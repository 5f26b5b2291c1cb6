"""Reads a prompt of retrieval-augmented generation: the statements of its context, and the question.

The passages are numbered from the first `[1]` at the start of a line, each with an optional `(path)`; the question
follows the last line that starts with `Question:`, or is the last paragraph where no line does.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from infra.embedded.ollama.statements import Statement, statements

_QUESTION = re.compile(r"^[#* \t]*Question:[*\s]*", re.IGNORECASE | re.MULTILINE)
_ANSWER = re.compile(r"\n[#* \t]*Answer:[*\s]*\Z", re.IGNORECASE)
_CONTEXT = re.compile(r"^[#* \t]*Context:[* \t]*$", re.IGNORECASE | re.MULTILINE)
_MARKER = re.compile(r"^\[(\d{1,4})\][ \t]*(\([^\n]*?\)(?=\s|\Z))?[ \t]*", re.MULTILINE)


class Prompt(NamedTuple):
    """A question and what may be quoted to answer it, in the prompt's order."""

    question: str
    statements: list[Statement]


def parse(text: str) -> Prompt:
    """Read a whole prompt."""
    questions = list(_QUESTION.finditer(text))
    if questions:
        context, question = text[: questions[-1].start()], text[questions[-1].end() :]
    else:
        context, _, question = text.strip().rpartition("\n\n")
    return Prompt(_ANSWER.sub("", question).strip(), list(_statements(context)))


def _statements(context: str) -> Iterator[Statement]:
    heading = _CONTEXT.search(context)
    for number, passage in _passages(context[heading.end() :] if heading else context, unnumbered=heading is not None):
        for statement in statements(passage):
            yield replace(statement, passage=number)


def _passages(context: str, *, unnumbered: bool) -> Iterator[tuple[int | None, str]]:
    """The numbered passages; or, if there is none, the whole context where it is known to be one."""
    starts: list[re.Match[str]] = []
    for marker in _MARKER.finditer(context):
        # Passages count up and look alike; what does not is a footnote or a list within a passage.
        if int(marker[1]) == len(starts) + 1 and (not starts or bool(starts[0][2]) == bool(marker[2])):
            starts.append(marker)
    if not starts and unnumbered:
        yield None, context
    for start, following in zip_longest(starts, starts[1:]):
        yield int(start[1]), context[start.end() : following.start() if following else len(context)]
