"""What an answer is: read in the quickest way where it came whole, and told from its status, headers and body."""

import re
from typing import NamedTuple

from chaos.record import Outcome
from loadtests.mix import OPERATIONS
from loadtests.tally import OUTCOMES

LIVE, CACHED, DEGRADED, REFUSED, UNAVAILABLE, ERROR, LOST = map(OUTCOMES.index, Outcome)
FROM_CACHE, IS_DEGRADED, RETRY_AFTER = "x-from-cache", "x-service-degraded", "retry-after"

_MARKED = {  # from the cache, degraded
    (False, False): LIVE,
    (True, False): CACHED,
    (True, True): DEGRADED,
    (False, True): ERROR,  # degraded, but by what?
}
_STREAM_ERROR = b"event: error"
_ENDS = [operation.stream.encode() for operation in OPERATIONS]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)(?:\r|$)")


class Head(NamedTuple):
    """What counts of the head of an answer."""

    status: int
    from_cache: bool
    degraded: bool
    retry_after: bool


def whole(data: bytes) -> tuple[Head, bytes] | None:
    """Head and body of an answer, if `data` is all of one after which the connection stays; None for all else."""
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    length = _LENGTH.search(head)
    if (
        not head.startswith(b"http/1.1 ")
        or not length
        or int(length[1]) != len(body)
        or b"\r\nconnection: close" in head
    ):
        return None
    found = Head(
        int(head[9:12]),
        b"\r\nx-from-cache: true" in head,
        b"\r\nx-service-degraded: true" in head,
        b"\r\nretry-after: " in head,
    )
    return found, body


def outcome(operation: int, head: Head, body: bytes) -> tuple[int, str]:
    """The answer's place in OUTCOMES, and what is wrong with it, if anything is."""
    status = head.status
    if 200 <= status < 300:
        end = _ENDS[operation]
        if end and (_STREAM_ERROR in body or end not in body):
            return ERROR, "the stream has another end"
        return _MARKED[head.from_cache, head.degraded], ""
    if status == 503 and head.retry_after:
        return UNAVAILABLE, "status 503 with Retry-After"
    return REFUSED if 400 <= status < 500 else ERROR, f"status {status}"
