"""The gateway counts a consumer's requests, says so honestly, and refuses what is too many."""

import http.client
import math
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from time import monotonic, sleep
from urllib.parse import urlsplit

from conformance.check import Check, NonconformingError, NotApplicableError, expect
from conformance.http import Answer, ask
from conformance.sample import Sample
from conformance.stack import LONGEST_WAIT_S, Stack

PATH = "/api/v1/rag/search"  # without a question: refused at once, and counted all the same
EXCEEDED_S = 2.0
MOST_REQUESTS = 1000  # in EXCEEDED_S, on a connection that is kept
FEW = 5


def checks(stack: Stack, _sample: Sample) -> Iterator[Check]:
    """The last consumer's requests are used up, the first one's not."""
    yield Check("every answer tells the limits and what is left", partial(_told, stack))
    yield Check("what is left goes down with each request", partial(_counted, stack))
    yield Check("too many are refused, and told when to come back", partial(_exceeded, stack))


def _asked(stack: Stack, consumer: str) -> Answer:
    """What the consumer is answered at once, a refusal too."""
    return ask(stack.gateway, "GET", PATH, headers={"Authorization": f"Bearer {stack.token(consumer)}"})


def number(answer: Answer, name: str) -> int:
    """A header's whole number; raises NonconformingError where it is none."""
    value = answer.header(name)
    expect(value.isdecimal(), f"{answer}: {name} is {value!r}")
    return int(value)


def _told(stack: Stack) -> None:
    answer = stack.ask("GET", PATH, consumer=stack.consumers[-1])
    windows = {}
    for window in ("Minute", "Hour"):
        limit = number(answer, f"X-RateLimit-Limit-{window}")
        windows[limit] = left = number(answer, f"X-RateLimit-Remaining-{window}")
        expect(0 <= left <= limit, f"{answer}: {left} of {limit} are left of the {window.lower()}")
    expect(number(answer, "RateLimit-Limit") in windows, f"{answer}: RateLimit-Limit is that of no window")
    left = number(answer, "RateLimit-Remaining")
    expect(left in windows.values(), f"{answer}: RateLimit-Remaining is {left}; expected one of {windows.values()}")


def _counted(stack: Stack) -> None:
    try:
        _count_down(stack)
    except NonconformingError:  # a minute may have begun in between, but not two
        _count_down(stack)


def _count_down(stack: Stack) -> None:
    consumer, began = stack.consumers[-1], monotonic()
    answers = [stack.ask("GET", PATH, consumer=consumer) for _ in range(FEW + 1)]
    first, last = (number(answers[index], "X-RateLimit-Remaining-Minute") for index in (0, -1))
    # A bucket of tokens fills up while it is used.
    filled = math.ceil(number(answers[0], "X-RateLimit-Limit-Minute") / 60 * (monotonic() - began)) + 1
    if filled >= FEW:
        raise NotApplicableError("what is left fills up faster than requests can be made")
    expect(first - last >= FEW - filled, f"{FEW} requests have taken what is left from {first} to {last} only")


def _exceeded(stack: Stack) -> None:
    consumer = stack.consumers[-1]
    answer = stack.ask("GET", PATH, consumer=consumer)
    limit, hour = (number(answer, f"X-RateLimit-{what}") for what in ("Limit-Minute", "Remaining-Hour"))
    if limit > MOST_REQUESTS:
        raise NotApplicableError(f"{limit} requests a minute cannot be exceeded within {EXCEEDED_S:g} s")
    if hour < limit:
        raise NotApplicableError(f"{consumer} has {hour} requests left in this hour")
    refused = _until_refused(stack, consumer)
    expect("message" in refused.json(), f"{refused}; expected a message that says why")
    expect(number(refused, "RateLimit-Remaining") == 0, f"{refused}: RateLimit-Remaining is not 0")
    wait_s = number(refused, "Retry-After")
    expect(1 <= wait_s <= LONGEST_WAIT_S, f"{refused}: Retry-After is {wait_s}")
    if len(stack.consumers) > 1:
        other = _asked(stack, stack.consumers[0])
        expect(other.status != 429, f"{other}: {stack.consumers[0]} is refused for {consumer}'s requests")
    stack.say(f"waiting {wait_s} s, as Retry-After says")
    sleep(wait_s)
    again = _asked(stack, consumer)
    expect(again.status != 429, f"{again}, after the {wait_s} s that Retry-After says")


def _until_refused(stack: Stack, consumer: str) -> Answer:
    host, headers = urlsplit(stack.gateway), {"Authorization": f"Bearer {stack.token(consumer)}"}
    deadline = monotonic() + EXCEEDED_S
    with closing(http.client.HTTPConnection(host.hostname or "", host.port, timeout=10)) as connection:
        while monotonic() < deadline:
            connection.request("GET", PATH, headers=headers)
            response = connection.getresponse()
            answer = Answer(f"GET {PATH}", response.status, response.headers, response.read())
            if answer.status == 429:
                return answer
    raise NotApplicableError(f"this machine does not make enough requests in {EXCEEDED_S:g} s")
