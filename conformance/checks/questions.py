"""A question is answered from the documents, at once or as events."""

import json
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.check import Check, expect
from conformance.http import Answer
from conformance.sample import NAME, Sample, succeeded
from conformance.stack import Stack

GENERATION_S = 300.0  # a large model on a CPU thinks for minutes
QUERY = "/api/v1/rag/query"


def checks(stack: Stack, sample: Sample) -> Iterator[Check]:
    """Both kinds of answer."""
    yield Check("a question is answered with its sources", partial(_question, stack, sample))
    yield Check("a streamed answer is sources, text and the end", partial(_stream, stack, sample))


def _question(stack: Stack, sample: Sample) -> None:
    answer = stack.ask("POST", QUERY, _asked(sample), timeout_s=GENERATION_S)
    _complete(answer, succeeded(answer), sample)


def _asked(sample: Sample) -> dict[str, object]:
    return {"question": f"{sample.contents.question}? {secrets.token_hex(4)}", "collection": NAME}


def _complete(answer: Answer, said: dict[str, Any], sample: Sample) -> None:
    expect(said["answer"] and said["model"], f"{answer}: no answer, or no model")
    expect(said["citations"], f"{answer}: no sources")
    for citation in said["citations"]:
        expect(citation["path"] in sample.contents.documents, f"{answer}: {citation['path']} was not ingested")


def _stream(stack: Stack, sample: Sample) -> None:
    headers = {"Accept": "text/event-stream"}
    answer = stack.ask("POST", QUERY, _asked(sample), headers=headers, timeout_s=GENERATION_S)
    expect(answer.status == 200, f"{answer}; expected 200")
    expect(answer.header("Content-Type").startswith("text/event-stream"), f"{answer}: no events")
    events = events_of(answer)
    names = [name for name, _ in events]
    expect(
        names[:1] == ["sources"] and names[-1:] == ["done"] and set(names[1:-1]) == {"token"},
        f"{answer}: the events are {names}; expected sources, token…, done",
    )
    text = "".join(data["text"] for name, data in events if name == "token")
    expect(text.strip() == events[-1][1]["answer"].strip(), f"{answer}: the pieces are not the answer")
    _complete(answer, events[-1][1], sample)


def events_of(answer: Answer) -> list[tuple[str, Any]]:
    """Name and data of each server-sent event."""
    found = []
    for block in answer.body.decode().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
