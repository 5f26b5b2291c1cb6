"""Breakers that do not keep their laws."""

from collections.abc import Iterator
from contextlib import contextmanager

from circuitbreaker import STATE_CLOSED, STATE_OPEN

from chaos.sabotage.defects import change
from services.common.breaker import Breaker, Call, Consecutive, FailureShare, Result
from services.common.breakers import _Watched
from services.common.errors import ServiceError, UnavailableError


def never_opens() -> None:
    """Calls may fail as often as they like."""
    change(Consecutive, "failure", lambda own: lambda self, now: own(self, now) and False)


def opens_at_six() -> None:
    """It takes a failure more than the design allows."""
    change(Consecutive, "__init__", lambda own: lambda self, threshold: own(self, threshold + 1))


def opens_at_four() -> None:
    """It takes a failure less, but for breakers that one opens."""
    change(Consecutive, "__init__", lambda own: lambda self, threshold: own(self, max(1, threshold - 1)))


def share_never_opens() -> None:
    """The share of failures between services opens nothing."""
    change(FailureShare, "failure", lambda own: lambda self, now: own(self, now) and False)


def two_probes() -> None:
    """The first probe of each opening is forgotten at once, so that a second one is let through."""
    forgotten: set[int] = set()

    def begin(self: Breaker) -> Call:
        call: Call = own(self)
        if call.probe and call.epoch not in forgotten:
            forgotten.add(call.epoch)
            self._probe = None
        return call

    own = Breaker._begin
    change(Breaker, "_begin", lambda _: begin)


def cancellation_clears() -> None:
    """A caller who hangs up ends the row of failures."""

    def end(self: Breaker, call: Call, result: Result, reason: object) -> None:
        own(self, call, result, reason)
        if result is Result.NEUTRAL:
            self.rule.clear()

    own = Breaker._end
    change(Breaker, "_end", lambda _: end)


def cancellation_fails() -> None:
    """A caller who hangs up counts as a failure of the dependency."""
    worse = {Result.NEUTRAL: Result.FAILURE}
    change(
        Breaker,
        "_end",
        lambda own: lambda self, call, result, reason: own(self, call, worse.get(result, result), reason),
    )


def late_success_closes() -> None:
    """A call from before the breaker opened closes it by its success."""

    def end(self: Breaker, call: Call, result: Result, reason: object) -> None:
        late = call.epoch != self._epoch
        own(self, call, result, reason)
        if late and result is Result.SUCCESS and self._state == STATE_OPEN:
            self._move(STATE_CLOSED, "a call succeeded")

    own = Breaker._end
    change(Breaker, "_end", lambda _: end)


def recovers_early() -> None:
    """A call may probe after half the time."""
    change(
        Breaker,
        "open_remaining",
        lambda own: property(lambda self: own.fget(self) - self._recovery_timeout / 2),
    )


def never_recovers() -> None:
    """Once open, it stays so for an hour."""
    change(Breaker, "open_remaining", lambda own: property(lambda self: own.fget(self) + 3600))


def mistakes_fail() -> None:
    """A dependency that refuses a caller's mistake, as with 404, has failed."""

    @contextmanager
    def guard(self: Breaker, failure: type[UnavailableError] = UnavailableError) -> Iterator[Call]:
        mistake: ServiceError | None = None
        with own(self, failure) as call:
            try:
                yield call
            except UnavailableError:
                raise
            except ServiceError as error:
                mistake = error
                call.failed(error.detail)
        if mistake:
            raise mistake

    own = Breaker.guard
    change(Breaker, "guard", lambda _: guard)


def probe_slot_leaks() -> None:
    """A probe whose caller hangs up keeps its place for ever."""

    def end(self: Breaker, call: Call, result: Result, reason: object) -> None:
        probe = self._probe
        own(self, call, result, reason)
        if call is probe and result is Result.NEUTRAL:
            self._probe = probe

    own = Breaker._end
    change(Breaker, "_end", lambda _: end)


def force_closed_ignored() -> None:
    """The manual override of the settings has no effect."""
    change(Breaker, "__init__", lambda own: lambda self, *a, **given: own(self, *a, **{**given, "force_closed": False}))


def false_positives_uncounted() -> None:
    """The independent probe at a trip never finds the dependency well."""

    async def fails() -> None:
        raise ConnectionError("sabotaged")

    change(
        _Watched,
        "__init__",
        lambda own: lambda self, breaker, probe, tell, service: own(self, breaker, fails, tell, service),
    )
