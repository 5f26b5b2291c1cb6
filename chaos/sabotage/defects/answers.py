"""Answers that do not say what they are, or that callers should not have got."""

from typing import Any

from chaos.sabotage.defects import change
from services.common.auth import InternalGuard
from services.common.errors import ServiceError, UnavailableError, error_response
from services.query.cache import Cache, Kept, UnusableError
from services.query.fallback import Answered
from services.query.flights import Flights
from services.query.versions import Versions


def _without(header: str) -> None:
    def others(answered: Answered) -> dict[str, str]:
        return {name: value for name, value in own.fget(answered).items() if name != header}

    own: Any = Answered.headers
    change(Answered, "headers", lambda _: property(others))


def degraded_unsaid() -> None:
    """A stale answer looks like a fresh one."""
    _without("X-Service-Degraded")


def cache_unsaid() -> None:
    """An answer from the cache looks like a live one."""
    _without("X-From-Cache")


def retry_after_missing() -> None:
    """A refusal does not say when to try again."""
    change(ServiceError, "response", lambda _: lambda self: error_response(self.status, self.detail))


def old_as_fresh() -> None:
    """The cache does not care whether the documents have changed."""
    change(Versions, "current", lambda _: lambda self, collection: 0)


def redis_mandatory() -> None:
    """Without a cache there are no answers."""

    async def read(self: Cache, key: str) -> Kept | None:
        try:
            kept: Kept | None = await own(self, key)
        except UnusableError as error:
            raise UnavailableError("no cache") from error
        return kept

    own = Cache.read
    change(Cache, "read", lambda _: read)


def computed_for_each() -> None:
    """Callers with the same question do not share its computation."""

    async def join(self: Flights[Any], key: object, compute: Any) -> Any:
        return await compute()

    change(Flights, "join", lambda _: join)


def token_unchecked() -> None:
    """Everybody may call the routes for the stack's own services."""
    change(InternalGuard, "_accepts", lambda _: lambda self, scope: True)
