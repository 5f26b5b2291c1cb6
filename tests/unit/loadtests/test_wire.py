import json
from collections import Counter

import pytest

from loadtests.mix import OPERATIONS
from loadtests.wire import Requests, rendered


def operation(name: str) -> int:
    return [each.name for each in OPERATIONS].index(name)


def parsed(sent: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


def requests(mix: str = "even", tokens: tuple[str, ...] = ("one", "two")) -> Requests:
    return Requests(mix=mix, host="127.0.0.1:8000", tokens=tokens, run="r1")


def test_a_search_is_asked_with_a_token_and_without_a_body() -> None:
    build = rendered(OPERATIONS[0].forms[0], host="h:1", token="t", run="r")
    first, headers, body = parsed(build(7))
    assert first.startswith("GET /api/v1/rag/search?q=how%20does")
    assert headers["Authorization"] == "Bearer t"
    assert headers["Host"] == "h:1"
    assert body == b""
    assert build(8) == build(7)


@pytest.mark.parametrize("name", ["question", "question-uncached", "question-hung-up"])
def test_the_length_that_is_told_is_that_of_the_body(name: str) -> None:
    for number in (3, 123_456_789):
        build = rendered(OPERATIONS[operation(name)].forms[0], host="h", token="t", run="r")
        _, headers, body = parsed(build(number))
        assert int(headers["Content-Length"]) == len(body)
        assert json.loads(body)["collection"] == "docs"


@pytest.mark.parametrize("name", ["search-uncached", "question-uncached", "question-hung-up"])
def test_what_the_cache_is_not_to_know_is_never_the_same(name: str) -> None:
    form = OPERATIONS[operation(name)].forms[0]
    sent = {rendered(form, host="h", token="t", run=run)(number) for run in ("a", "b") for number in range(5)}
    assert len(sent) == 10
    assert all(b"{number" not in each for each in sent)


def test_the_requests_follow_the_mix() -> None:
    each = requests("reads")
    asked = Counter(each(number)[0] for number in range(10_000))
    assert asked[operation("search")] == 9400
    assert asked[operation("question-hung-up")] == 5


def test_every_consumer_asks() -> None:
    each = requests("reads")
    sent = [each(number)[1] for number in range(200)]
    assert sum(b"Bearer one" in each for each in sent) == pytest.approx(100, abs=30)


def test_the_searches_that_repeat_are_those_that_are_asked_first() -> None:
    first = {rendered(form, host="127.0.0.1:8000", token="one", run="x")(0) for form in OPERATIONS[0].forms}
    each = requests("reads", tokens=("one",))
    assert {sent for number, sent in map(each, range(3000)) if number == 0} <= first
