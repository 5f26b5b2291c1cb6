"""What the load asks, and how much of each: data, with the reason of every share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from random import Random
from urllib.parse import quote

from chaos.questions import QUESTIONS

LIMITS = (3, 5, 8, 10)  # with each, a question is another entry of the cache: 64 entries in all
COLLECTION = "docs"
NUMBER = "{number:09d}"
"""In a path or body: the request's number, so that no cache can know it. Its width is fixed, and so a body's length."""


@dataclass(frozen=True)
class Form:
    """One request to be made: `path` is encoded, `body` is what is sent as JSON."""

    path: str
    body: Mapping[str, object] | None = None

    @property
    def method(self) -> str:
        """POST where there is a body."""
        return "GET" if self.body is None else "POST"


@dataclass(frozen=True)
class Operation:
    """One kind of request, in as many forms as it has; `weight` of it are in ten thousand of the mix of reads."""

    name: str
    weight: int
    why: str
    forms: Sequence[Form]
    cached: bool = False  # its answers are to come from the cache
    stream: str = ""  # what has to be in its answer, which is a stream of events
    hangs_up: bool = False  # as soon as that has come


def _search(question: str, limit: int, more: str = "") -> Form:
    return Form(f"/api/v1/rag/search?q={quote(question)}{more}&collection={COLLECTION}&limit={limit}")


def _question(question: str, **more: object) -> Form:
    return Form("/api/v1/rag/query", {"question": question, "collection": COLLECTION, **more})


def _paths(*paths: str) -> list[Form]:
    return [Form(f"/api/v1/{path}") for path in paths]


OPERATIONS = (
    Operation(
        "search",
        9400,
        "What people ask repeats, and a search page asks anew for every filter: the path that 1000 a second is about.",
        [_search(question, limit) for question in QUESTIONS for limit in LIMITS],
        cached=True,
    ),
    Operation(
        "search-uncached",
        50,
        "One search in two hundred is new. Each costs some 15 ms of computing, half of it the embedding.",
        [_search(question, 5, f"+{NUMBER}") for question in QUESTIONS],
    ),
    Operation(
        "question",
        200,
        "For each question there are fifty searches, and a question that was asked before costs as little as a search.",
        [_question(question) for question in QUESTIONS],
        cached=True,
    ),
    Operation(
        "question-uncached",
        5,
        "A new question occupies the model for a quarter of a second; at 1000 a second, these and the next take a "
        "quarter of a core.",
        [_question(f"{question} {NUMBER}") for question in QUESTIONS],
    ),
    Operation(
        "question-streamed",
        95,
        "Web pages show the answer while it is written.",
        [_question(question, stream=True) for question in QUESTIONS],
        cached=True,
        stream="event: done",
    ),
    Operation(
        "question-hung-up",
        5,
        "Some callers leave at the first word; what was under way for them has to end with them.",
        [_question(f"{question} {NUMBER}", stream=True) for question in QUESTIONS],
        stream="event: token",
        hangs_up=True,
    ),
    Operation(
        "documents",
        150,
        "A search leads to the document itself now and then.",
        _paths("docs", "docs/search?q=port", "docs/architecture.md"),
    ),
    Operation(
        "collections",
        75,
        "Pages list the collections when they open.",
        _paths("collections", f"collections/{COLLECTION}/stats", f"collections/{COLLECTION}/documents?limit=20"),
    ),
    Operation(
        "status", 20, "Two probes a second, as from two monitors: each asks every dependency.", _paths("rag/status")
    ),
)
WHOLE = 10_000


def pattern(mix: str, *, seed: int = 0) -> list[int]:
    """The operations, by their numbers, in the order in which they are asked, again and again."""
    if mix == "even":
        return list(range(len(OPERATIONS)))
    order = list(chain.from_iterable(repeat(number, each.weight) for number, each in enumerate(OPERATIONS)))
    Random(seed).shuffle(order)  # noqa: S311 - a run has to be repeatable, not unpredictable
    return order
