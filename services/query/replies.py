"""What answers a request, as the bytes that are sent and kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from services.query.answer import Event


@dataclass(frozen=True)
class Reply:
    """The body of an answer, what the query log needs of it and, for the answer as events, all its passages."""

    body: bytes
    results: int
    top_score: float | None
    sources: bytes = b""


def of_search(answer: Mapping[str, Any]) -> Reply:
    """The reply to a search (`models.SearchAnswer`)."""
    results = answer["results"]
    return Reply(orjson.dumps(answer), len(results), results[0]["score"] if results else None)


def of_events(events: Mapping[str, Mapping[str, Any]]) -> Reply:
    """The reply to a question, given the data of its events by their names; without `done` it has no body yet."""
    found = events["sources"]["citations"]
    score = found[0]["score"] if found else None
    return Reply(orjson.dumps(events.get("done")), len(found), score, orjson.dumps(events["sources"]))


def replayed(reply: Reply) -> Iterator[Event]:
    """The events of a reply to a question, its text in one piece."""
    done = orjson.loads(reply.body)
    yield Event("sources", orjson.loads(reply.sources))
    yield Event("token", {"text": done["answer"]})
    yield Event("done", done)
