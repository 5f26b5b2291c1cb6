"""A lean HTTP/1.1 client: requests as bytes over connections that stay open, answers parsed in C.

One request costs it about 30 µs, so that on a machine shared with the server it takes little of what it measures.
"""

import asyncio
import socket
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Self, cast

import httptools
import orjson
import uvloop

PATIENCE_S = 30.0  # of a load for requests that are under way at its end; the longest deadline of a search is 10 s


class LoadError(RuntimeError):
    """Something else was answered than 200: what was measured means nothing."""


def request(
    address: str, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: object = None
) -> bytes:
    """The request to `address` (`host:port`) as it goes over the wire, with `body` as JSON."""
    content = b"" if body is None else orjson.dumps(body)
    head = {"Host": address, **(headers or {})}
    if content:
        head |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = (f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", "")
    return "\r\n".join(lines).encode() + content


@dataclass
class Load:
    """What a load has seen. Latencies are in seconds, in the order of the answers."""

    seconds: float = 0.0
    cpu_s: float = 0.0  # of the client
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0  # requests without a whole answer

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu(self) -> float:
        """The share of one core that the client took."""
        return self.cpu_s / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that so many of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def closed_loop(address: str, requests: Iterator[bytes], *, clients: int, seconds: float) -> Load:
    """So many clients, each of which sends its next request once its last is answered; raises LoadError.

    Ends after `seconds`, or with the requests. An answer that began in time counts.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_drive(address, requests, clients, seconds))
    if load.broken or set(load.statuses) != {200}:
        raise LoadError(f"{address} answered {dict(load.statuses)}; {load.broken} requests got no whole answer")
    return load


async def _drive(address: str, requests: Iterator[bytes], clients: int, seconds: float) -> Load:
    host, _, port = address.partition(":")
    loop, load = asyncio.get_running_loop(), Load()
    began, cpu = time.perf_counter(), time.process_time()
    stream = _Stream(requests, began + seconds)
    lines = [_Line(stream, load) for _ in range(clients)]
    await asyncio.gather(*(loop.create_connection(lambda line=line: line, host, int(port)) for line in lines))  # type: ignore[misc]  # mypy cannot type a lambda's default
    _, late = await asyncio.wait({line.closed for line in lines}, timeout=seconds + PATIENCE_S)
    load.broken += len(late)
    load.seconds, load.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return load


@dataclass
class _Stream:
    requests: Iterator[bytes]
    until: float

    def next(self, now: float) -> bytes | None:
        return next(self.requests, None) if now < self.until else None


class _Line(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, stream: _Stream, load: Load) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._stream, self._load = stream, load
        self._parser = httptools.HttpResponseParser(self)
        self._began: float | None = None  # of the request that is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of a class of their own
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Httptools' callback: the answer is whole."""
        assert self._began is not None
        now = time.perf_counter()
        self._load.latencies.append(now - self._began)
        self._load.statuses[self._parser.get_status_code()] += 1
        self._send(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.broken += self._began is not None
        self.closed.set_result(None)

    def _send(self, now: float) -> None:
        following = self._stream.next(now)
        self._began = None if following is None else now
        if following is None:
            self._transport.close()
        else:
            self._transport.write(following)


class Caller:
    """One client that blocks: what is compared at a single client takes turns request by request."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._address = address
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, sent: bytes) -> float:
        """The seconds until the whole answer; raises LoadError where it is not a 200."""
        self.body = b""
        self._whole = False
        parser = httptools.HttpResponseParser(self)
        began = time.perf_counter()
        self._socket.sendall(sent)
        while not self._whole:
            if not (data := self._socket.recv(1 << 18)):
                raise LoadError(f"{self._address} hung up")
            parser.feed_data(data)
        took = time.perf_counter() - began
        if parser.get_status_code() != 200:
            raise LoadError(f"{self._address} answered {parser.get_status_code()}: {self.body[:200]!r}")
        return took

    def on_body(self, body: bytes) -> None:
        """Httptools' callback."""
        self.body += body

    def on_message_complete(self) -> None:
        """Httptools' callback."""
        self._whole = True


def again_and_again(requests: list[bytes]) -> Iterator[bytes]:
    """The requests in turn, without end."""
    for all_of_them in repeat(requests):
        yield from all_of_them
