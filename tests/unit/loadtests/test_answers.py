import pytest

from chaos.record import Outcome
from loadtests.answers import Head, outcome, whole
from loadtests.mix import OPERATIONS
from loadtests.tally import OUTCOMES

NAMES = [operation.name for operation in OPERATIONS]
FINE = Head(200, from_cache=False, degraded=False, retry_after=False)


def sent(body: bytes = b"{}", *lines: str, status: str = "200 OK", length: int | None = None) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def test_an_answer_that_came_whole_is_read() -> None:
    assert whole(sent(b"{}")) == (FINE, b"{}")
    assert whole(sent(b"")) == (FINE, b"")


def test_the_headers_that_count_are_seen_in_any_case() -> None:
    found = whole(sent(b"{}", "X-From-Cache: true", "x-service-degraded: true"))
    assert found
    assert found[0] == Head(200, from_cache=True, degraded=True, retry_after=False)
    refused = whole(sent(b"{}", "Retry-After: 3", status="503 Service Unavailable"))
    assert refused
    assert refused[0] == Head(503, from_cache=False, degraded=False, retry_after=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        sent(b"{}", length=3),
        sent(b"{}xx", length=2),
        sent(b"{}", "Connection: close"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"nonsense\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "more", "last", "chunked", "older", "garbage"],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert whole(data) is None


@pytest.mark.parametrize(
    ("head", "is_"),
    [
        (FINE, Outcome.LIVE),
        (FINE._replace(from_cache=True), Outcome.CACHED),
        (FINE._replace(from_cache=True, degraded=True), Outcome.DEGRADED),
        (FINE._replace(degraded=True), Outcome.ERROR),
        (FINE._replace(status=429), Outcome.REFUSED),
        (FINE._replace(status=503, retry_after=True), Outcome.UNAVAILABLE),
        (FINE._replace(status=503), Outcome.ERROR),
        (FINE._replace(status=302), Outcome.ERROR),
    ],
)
def test_an_answer_is_what_its_head_says(head: Head, is_: Outcome) -> None:
    assert OUTCOMES[outcome(0, head, b"{}")[0]] is is_


@pytest.mark.parametrize(
    ("body", "is_"),
    [
        (b"event: token\n\nevent: done\n\n", Outcome.LIVE),
        (b"event: token\n\n", Outcome.ERROR),
        (b"event: token\n\nevent: error\n\n", Outcome.ERROR),
    ],
)
def test_a_stream_has_to_come_to_its_end(body: bytes, is_: Outcome) -> None:
    assert OUTCOMES[outcome(NAMES.index("question-streamed"), FINE, body)[0]] is is_


def test_who_hangs_up_has_what_he_waited_for_at_the_first_word() -> None:
    assert OUTCOMES[outcome(NAMES.index("question-hung-up"), FINE, b"event: token")[0]] is Outcome.LIVE
