"""What a service's middleware costs, in its own process and without a network."""

import asyncio
import io
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from statistics import median
from time import process_time
from typing import Any

from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from benchmarks.benchmark import Bench, benchmark
from benchmarks.figures import Figure, ratio
from services.common import log
from services.query.main import build
from services.query.settings import QuerySettings

PATH = "/benchmark"
CALLS = 400  # of each variant in a round: enough that a timer's tick does not show


@benchmark(stack=None, guard=True)
def middleware(bench: Bench) -> Iterator[Figure]:
    """What each middleware of the query service adds to a request, in microseconds of processor time."""
    with _logging_to_nowhere():
        app = build(QuerySettings(inter_service_secret=SecretStr("of-a-benchmark" * 3)))

        @app.get(PATH)
        async def answers() -> Response:
            return Response(b"{}", media_type="application/json")

        every = list(app.user_middleware)
        names = [_name(one) for one in every]
        variants = {"all": every, "none": []} | {name: [one for one in every if _name(one) != name] for name in names}
        stacks: dict[str, ASGIApp] = {}
        for variant, kept in variants.items():
            app.user_middleware = kept
            stacks[variant] = app.build_middleware_stack()
        with asyncio.Runner() as runner:
            runner.run(_calls(stacks["all"], CALLS))  # caches fill
            measures = {name: partial(_run, runner, one) for name, one in stacks.items()}
            taken = bench.in_turn(measures)
    parts = {f"µs: {name}": median(seconds) * 1e6 for name, seconds in taken.items()}
    yield ratio("with all / without any", taken["all"], taken["none"], better="lower", parts=parts)
    for name in names:
        added = tuple((a - b) * 1e6 for a, b in zip(taken["all"], taken[name], strict=True))
        yield Figure(name, "µs", added, "lower")


def _name(one: Middleware) -> str:
    return str(getattr(one.cls, "__name__", one.cls))


def _run(runner: asyncio.Runner, app: ASGIApp) -> float:
    return runner.run(_calls(app, CALLS))


async def _calls(app: ASGIApp, number: int) -> float:
    """Seconds of processor time of one call."""
    headers = [(b"host", b"query"), (b"x-request-id", b"of-a-benchmark"), (b"x-request-deadline", b"10000")]

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: MutableMapping[str, Any]) -> None:
        return

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "path": PATH, "raw_path": PATH.encode(), "query_string": b"q=a", "root_path": "", "headers": headers,
        "scheme": "http", "server": ("query", 80), "client": ("client", 1), "state": {},
    }  # fmt: skip
    began = process_time()
    for _ in range(number):
        await app(dict(scope), receive, send)
    return (process_time() - began) / number


@contextmanager
def _logging_to_nowhere() -> Iterator[None]:
    """Log lines are written as in a service, and thrown away."""
    with redirect_stdout(_Nowhere()):
        log.configure("query", "INFO")
    try:
        yield
    finally:
        logging.basicConfig(level="WARNING", force=True)


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)
