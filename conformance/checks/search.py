"""A search finds the right passages, keeps the caller's request id, and comes from the cache the second time."""

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

from conformance.check import Check, NotApplicableError, expect
from conformance.http import Answer
from conformance.sample import NAME, Sample
from conformance.stack import Stack

KEPT_S = 5.0  # until an answer is in the cache, which is written in the background
SEARCH = "/api/v1/rag/search"


def checks(stack: Stack, sample: Sample) -> Iterator[Check]:
    """Contents, limits, request id, cache, older paths."""
    for name, act in {
        "a search finds passages with their documents": _search,
        "a search keeps to its limit and its path": _filters,
        "a request id comes back": _request_id,
        "the same search again comes from the cache": _cached,
        "the older path finds the same": _older,
    }.items():
        yield Check(name, partial(act, stack, sample))


def searched(stack: Stack, sample: Sample, *, headers: dict[str, str] | None = None, **more: object) -> Answer:
    """What a search in the checks' collection is answered; one that nobody has made before unless `q` is given."""
    words = {"q": f"{sample.contents.question} {secrets.token_hex(4)}", "collection": NAME, **more}
    return stack.ask("GET", f"{SEARCH}?{urlencode(words)}", headers=headers)


def results(answer: Answer) -> list[dict[str, Any]]:
    """The passages of a live answer; raises NonconformingError where it is another."""
    expect(answer.status == 200, f"{answer}; expected 200")
    expect("X-Service-Degraded" not in answer.headers, f"{answer}: it is a stale one")
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def _search(stack: Stack, sample: Sample) -> None:
    answer = searched(stack, sample)
    found = results(answer)
    expect(found, f"{answer}: nothing found")
    expect(answer.json()["collection"] == NAME, f"{answer}: not of the collection {NAME}")
    for one in found:
        expect(one["text"], f"{answer}: a passage without text")
        expect(-1 <= one["score"] <= 1, f"{answer}: a score of {one['score']}")
        expect(one["document"]["path"] in sample.contents.documents, f"{answer}: {one['document']} was not ingested")
    scores = [one["score"] for one in found]
    expect(scores == sorted(scores, reverse=True), f"{answer}: not the best first")


def _filters(stack: Stack, sample: Sample) -> None:
    path = sample.contents.documents[0]
    answer = searched(stack, sample, path=path, limit=1)
    found = [one["document"]["path"] for one in results(answer)]
    expect(found == [path], f"{answer}; expected one passage of {path}")


def _request_id(stack: Stack, sample: Sample) -> None:
    given = f"conformance-{secrets.token_hex(4)}"
    answer = searched(stack, sample, headers={"X-Request-ID": given})
    came = answer.header("X-Request-ID")
    expect(came == given, f"{answer}: X-Request-ID is {came}; expected {given}")
    expect(searched(stack, sample).header("X-Request-ID"), "a request without an id gets none")


def _cached(stack: Stack, sample: Sample) -> None:
    if stack.variable("query", "CACHE_ENABLED") == "false":
        raise NotApplicableError("the stack's setting cache is false")
    words = f"cached {secrets.token_hex(4)}"
    first = searched(stack, sample, q=words)
    expect("X-From-Cache" not in first.headers, f"{first}: from the cache, though nobody has asked it before")
    again = first

    def from_the_cache() -> bool:
        nonlocal again
        again = searched(stack, sample, q=words)
        return again.headers.get("X-From-Cache") == "true"

    stack.until(from_the_cache, KEPT_S, "the same search comes with X-From-Cache: true")
    expect(int(again.header("Age")) <= KEPT_S, f"{again}: Age is {again.header('Age')}")
    expect(again.body == first.body, f"{again}: another body than the first time, {first}")


def _older(stack: Stack, sample: Sample) -> None:
    if not stack.legacy_routes:
        raise NotApplicableError("the stack's setting legacyRoutes is false")
    words = urlencode({"q": sample.contents.question, "collection": NAME})
    newer = results(stack.ask("GET", f"{SEARCH}?{words}"))
    for older in ("/search", "/api/rag/search"):
        answer = stack.ask("GET", f"{older}?{words}")
        expect(results(answer) == newer, f"{answer}: other passages than of {SEARCH}")
