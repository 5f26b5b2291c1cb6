"""What stands before a dependency: a bound on the calls under way, then a breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.breaker import Breaker, Call
from services.common.bulkhead import Bulkhead


@dataclass(frozen=True)
class Protection:
    """`async with protection.call():` around each; raises BreakerOpenError or OverloadedError instead of making it."""

    breaker: Breaker
    bulkhead: Bulkhead

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Call]:
        """The breaker is asked twice: before waiting, and, as it may have opened meanwhile, after."""
        self.breaker.check()
        async with self.bulkhead:
            with self.breaker.guard() as call:
                yield call
