"""Makes one request of the stack and records what its caller got."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientSession, ClientTimeout
from yarl import URL

from chaos.operations import Ask, Operation
from chaos.record import Outcome, Request

KEPT = ("x-from-cache", "x-service-degraded", "retry-after", "x-request-id", "x-release")
FROM_CACHE, DEGRADED = KEPT[:2]
SUCCESSES = frozenset({Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED})

_MARKED = {  # from the cache, degraded
    (False, False): Outcome.LIVE,
    (True, False): Outcome.CACHED,
    (True, True): Outcome.DEGRADED,
    (False, True): Outcome.ERROR,  # degraded, but by what?
}

Clock = Callable[[], float]


class NoWholeAnswerError(Exception):
    """The answer ended before its end."""


def session() -> ClientSession:
    """A session whose every request is one attempt on its own connection.

    aiohttp would otherwise repeat a GET whose connection breaks, and the record would not know.
    """
    opened = ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize_bytes=orjson.dumps,
    )
    opened._retry_connection = False  # as aiohttp's own test client does: there is no public switch
    return opened


class Client:
    """Asks the components at `doors` (name to address). `patience_s` limits a request: who waits longer has lost it.

    Choose it longer than any deadline that is checked, so that an answer too late is seen as late and not as lost.
    """

    def __init__(
        self, opened: ClientSession, doors: Mapping[str, str], *, token: str, clock: Clock, patience_s: float
    ) -> None:
        self._session = opened
        self._doors = {name: url.rstrip("/") for name, url in doors.items()}
        self._headers = {"Authorization": f"Bearer {token}"}
        self._clock = clock
        self._timeout = ClientTimeout(total=patience_s)

    async def ask(self, number: int, ask: Ask, intended: float) -> Request:
        """The request as it went; whatever goes wrong with it is its outcome, and nothing is raised."""
        operation, status, headers, started = ask.operation, None, {}, self._clock()
        try:
            async with self._session.request(
                operation.method,
                URL(self._doors[ask.door] + ask.path, encoded=True),
                json=ask.body,
                headers=self._headers | {"Accept": "text/event-stream" if operation.streamed else "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                status = response.status
                headers = {name: response.headers[name] for name in KEPT if name in response.headers}
                body = await response.read()
            outcome, about, error = read(operation, status, headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError, NoWholeAnswerError) as failure:
            outcome, about, error = Outcome.LOST, {}, f"{type(failure).__name__}: {failure}".rstrip(": ")
        return Request(
            number,
            operation.name,
            intended,
            started,
            self._clock(),
            status,
            outcome,
            headers,
            error,
            {**ask.values, **about},
        )


def lost(number: int, ask: Ask, intended: float, started: float, *, ended: float, why: str) -> Request:
    """The record of a request that nobody waited for."""
    return Request(
        number, ask.operation.name, intended, started, ended, None, Outcome.LOST, error=why, about=ask.values
    )


def classify(status: int, headers: Mapping[str, str]) -> Outcome:
    """What an answer of this status and these headers (named in lower case) is, its body aside."""
    if 200 <= status < 300:
        return _MARKED[headers.get(FROM_CACHE) == "true", headers.get(DEGRADED) == "true"]
    if status == 503 and "retry-after" in headers:
        return Outcome.UNAVAILABLE
    return Outcome.REFUSED if 400 <= status < 500 else Outcome.ERROR


def read(
    operation: Operation, status: int, headers: Mapping[str, str], body: bytes
) -> tuple[Outcome, dict[str, Any], str | None]:
    """Outcome, what is kept, and what is wrong with the answer; raises NoWholeAnswerError for a stream cut short."""
    outcome = classify(status, headers)
    if not 200 <= status < 300:
        return outcome, {}, body[:200].decode(errors="replace") or None
    try:
        if not operation.streamed:
            return outcome, operation.keeps(orjson.loads(body)), None
        name, data = last_event(body)
        if name == "error":
            return Outcome.ERROR, {"last_event": name}, data[:200].decode(errors="replace")
        return outcome, {"last_event": name} | operation.keeps(orjson.loads(data)), None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        return Outcome.ERROR, {}, f"a success that cannot be used: {type(error).__name__}: {error}"


def last_event(stream: bytes) -> tuple[str, bytes]:
    """Name and data of the event that ends a stream, `done` or `error`; raises NoWholeAnswerError without one."""
    for name, data in _events(stream):
        if name in {"done", "error"}:
            return name, data
    raise NoWholeAnswerError("the stream ended without its last event")


def _events(stream: bytes) -> Iterator[tuple[str, bytes]]:
    for block in stream.split(b"\n\n")[:-1]:  # what follows the last blank line is no whole event
        fields = dict(line.split(b": ", 1) for line in block.splitlines() if b": " in line)
        yield fields.get(b"event", b"").decode(errors="replace"), fields.get(b"data", b"")
