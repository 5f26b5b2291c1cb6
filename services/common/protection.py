"""What stands before a dependency: a bound on the calls under way, then a breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.breaker import Breaker, BreakerOpenError, Call
from services.common.bulkhead import Bulkhead, OverloadedError
from services.common.errors import UnavailableError


@dataclass(frozen=True)
class Protection:
    """`async with protection.call(FailsWithError):` around each call."""

    breaker: Breaker
    bulkhead: Bulkhead

    @asynccontextmanager
    async def call(self, failure: type[UnavailableError] = UnavailableError) -> AsyncIterator[Call]:
        """The call fails by raising `failure`; one that may not be made raises it too, for callers it is the same.

        The breaker is asked twice: before waiting, and, as it may have opened meanwhile, after.
        """
        try:
            self.breaker.check()
            async with self.bulkhead:
                with self.breaker.guard(failure) as call:
                    yield call
        except (BreakerOpenError, OverloadedError) as refused:
            refusal = failure(refused.detail)
            refusal.headers = refused.headers
            raise refusal from refused
