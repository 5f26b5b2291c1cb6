"""A second try, where it can help and does not add to an overload."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from prometheus_client import Counter

RATIO = 0.1  # retries to calls: at most ten per cent of extra load
BURST = 10.0
PAUSE_S = (0.02, 0.06)

RETRIES = Counter("retries", "Calls tried a second time, or not for want of budget", ["dependency", "outcome"])

T = TypeVar("T")


class RetryBudget:
    """Earns a tenth of a retry with each call, and holds ten at most."""

    def __init__(self, dependency: str) -> None:
        self._dependency = dependency
        self._saved = 1.0

    async def twice(self, call: Callable[[], Awaitable[T]], *, after: Callable[[Exception], bool]) -> T:
        """What `call` gives, tried again after a short random pause where `after` says that its failure is worth it."""
        self._saved = min(BURST, self._saved + RATIO)
        try:
            return await call()
        except Exception as error:
            if not after(error):
                raise
            if self._saved < 1:
                RETRIES.labels(self._dependency, "no_budget").inc()
                raise
            self._saved -= 1
        RETRIES.labels(self._dependency, "tried").inc()
        await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311  # spreads callers; nothing to guess
        return await call()
