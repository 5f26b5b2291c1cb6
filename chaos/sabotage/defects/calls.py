"""Calls to dependencies that wait too long, come too often, or go nowhere else."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from chaos.sabotage.defects import change
from services.common import deadline
from services.common.breaker import BreakerOpenError
from services.common.http import Http
from services.common.nodes import Nodes
from services.common.presence import ClientPresent
from services.common.retry import RetryBudget
from services.common.wire import Answer
from services.query.search import Searcher


def wait_too_long() -> None:
    """Each exchange with another component may take four times as long as it should."""

    def request(self: ClientSession, *given: Any, timeout: Any = None, **named: Any) -> Any:
        if isinstance(timeout, ClientTimeout) and timeout.total:
            timeout = ClientTimeout(total=4 * timeout.total)
        return own(self, *given, timeout=timeout, **named)

    async def exchange(self: Http, *given: Any, limit_s: float) -> Answer:
        return await whole(self, *given, limit_s=4 * limit_s)

    own, whole = ClientSession._request, Http.exchange
    change(ClientSession, "_request", lambda _: request)
    change(Http, "exchange", lambda _: exchange)


def deadline_ignored() -> None:
    """What a caller says of its time is not heard."""
    change(deadline, "start", lambda _: lambda seconds: None)


def first_node_only() -> None:
    """A vector node that does not answer is the end of the matter."""
    change(Nodes, "candidates", lambda own: lambda self: islice(own(self), 1))


def retried_five_times() -> None:
    """Every failed call is made again at once, and again, whatever the failure."""

    async def twice(self: RetryBudget, call: Callable[[], Awaitable[Any]], *, after: object) -> Any:
        for _ in range(4):
            with suppress(Exception):
                return await call()
        return await call()

    change(RetryBudget, "twice", lambda _: twice)


def blocks_the_loop() -> None:
    """Each search holds up everything else in its process for 10 ms."""

    async def find(self: Searcher, *given: Any) -> Any:
        time.sleep(0.01)  # noqa: ASYNC251 - the defect
        return await own(self, *given)

    own = Searcher.find
    change(Searcher, "find", lambda _: find)


def logs_too_much() -> None:
    """Each call that an open breaker refuses is logged with 24 KB of detail."""

    def made(self: BreakerOpenError, name: str, retry_after_s: float) -> None:
        own(self, name, retry_after_s)
        logging.getLogger(__name__).error("refused", extra={"detail": "a frame of the stack " * 1200})

    own = BreakerOpenError.__init__
    change(BreakerOpenError, "__init__", lambda _: made)


def hang_ups_unnoticed() -> None:
    """Work goes on for callers who have gone."""

    async def nobody_looks(self: ClientPresent, *_: object) -> None:
        pass

    change(ClientPresent, "__aenter__", lambda _: nobody_looks)
    change(ClientPresent, "__aexit__", lambda _: nobody_looks)
