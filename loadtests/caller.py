"""The user of a Locust run: one slot of an open load.

Locust's users are a closed loop by nature: they wait for an answer before they ask again, so a slow stack is asked
less, and what was not asked is not measured. Here all share one schedule of intended starts. Who is free takes the
next one, waits for its time and asks; latency counts from the intended start, so a late start hides nothing.

The connections are those of FastHttpUser. Requests go out as bytes that were rendered before, and an answer that comes
whole is looked at as bytes; any other one goes through FastHttpUser's parser. So a request takes a fraction of the CPU
time of `client.get` (docs/load.md), and the stack has the rest of the cores.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar

import gevent
from geventhttpclient.response import HTTPSocketPoolResponse
from locust import FastHttpUser, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import StopUser

from loadtests import answers
from loadtests.answers import FROM_CACHE, IS_DEGRADED, LOST, RETRY_AFTER, Head, whole
from loadtests.mix import OPERATIONS
from loadtests.tally import Tally
from loadtests.wire import Requests

PATIENCE_S = 30.0  # without a byte, a request is lost
NAP_S = 0.5  # a slot that waits for its time looks so often whether the load has been stopped
BLOCK = 65536  # bytes that are read at once: a whole answer
HANG_UP = [operation.stream.encode() if operation.hangs_up else b"" for operation in OPERATIONS]
NAMES = [operation.name for operation in OPERATIONS]


@dataclass
class Course:
    """A load under way, shared by all slots of this process. Times are seconds since it began."""

    due: Iterator[tuple[int, float]]  # the number and the intended start of each request
    requests: Requests
    began: float  # by perf_counter
    shown: bool  # on Locust's page, which takes a tenth of the generator's time
    tally: Tally = field(default_factory=Tally)
    stopped: bool = False

    def now(self) -> float:
        """The seconds since the load began."""
        return perf_counter() - self.began


class Caller(FastHttpUser):
    """A slot."""

    network_timeout = connection_timeout = PATIENCE_S
    concurrency = 1
    course: ClassVar[Course]

    def on_start(self) -> None:
        """Find the connection."""
        assert self.host
        self.pool = self.client.client.clientpool.get_client(self.host)._connection_pool  # the client has no door to it

    @task
    def call(self) -> None:
        """Ask what is due, until nothing is."""
        course = self.course
        for number, intended in course.due:
            late = None
            while (early := intended - course.now()) > 0:
                gevent.sleep(min(early, NAP_S))
                late = course.now() - intended
                if course.stopped:
                    raise StopUser
            if course.stopped:
                raise StopUser
            self._ask(course, number, intended, late)
        raise StopUser

    def _ask(self, course: Course, number: int, intended: float, late: float | None) -> None:
        operation, sent = course.requests(number)
        course.tally.started(course.now(), late)
        outcome, size, why = LOST, 0, "the load ended before the answer"
        try:
            head, body = self._exchange(sent, HANG_UP[operation])
            size = len(body)
            outcome, why = answers.outcome(operation, head, body)
        except FAILURE_EXCEPTIONS as error:
            why = f"{type(error).__name__}: {error}".rstrip(": ")
        finally:  # also when the slot is killed
            waited = course.now() - intended
            course.tally.ended(operation, intended, waited, outcome)
            if why:
                course.tally.wrong(operation, why)
            if course.shown:
                self._show(operation, waited, size, why)

    def _exchange(self, sent: bytes, hang_up: bytes) -> tuple[Head, bytes]:
        """Head and body of the answer; the body ends with `hang_up` if there is such a thing."""
        sock = self.pool.get_socket()
        try:
            sock.sendall(sent)
            data = sock.recv(BLOCK)
        except BaseException:
            self.pool.release_socket(sock)
            raise
        if found := whole(data):
            self.pool.return_socket(sock)
            return found
        with HTTPSocketPoolResponse(sock, self.pool, block_size=BLOCK, pre_buffered=data) as answer:
            body = _up_to(answer, hang_up) if hang_up else answer.read()
            head = Head(
                answer.status_code,
                answer.get(FROM_CACHE) == "true",
                answer.get(IS_DEGRADED) == "true",
                RETRY_AFTER in answer,
            )
            return head, body

    def _show(self, operation: int, waited: float, size: int, why: str) -> None:
        """Tell Locust, whose page shows it."""
        self.environment.events.request.fire(
            request_type="",
            name=NAMES[operation],
            response_time=waited * 1000,
            response_length=size,
            exception=why or None,
            context={},
        )


def _up_to(answer: HTTPSocketPoolResponse, end: bytes) -> bytes:
    """The body until `end` is in it; leaving the answer then hangs up."""
    body = b""
    while end not in body and (more := answer.readline(b"\n")):
        body += more
    return body
