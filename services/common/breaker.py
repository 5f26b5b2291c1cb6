"""Circuit breakers: `circuitbreaker`'s states, with what services need beyond them.

What the library leaves open and is settled here: a cancelled call and a call that began before the last change of state
count for nothing, one probe at a time, a rule other than five in a row, a clock of one's own, and observers.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Protocol

from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker

from services.common.errors import ServiceError, UnavailableError

BY_HAND = "reset by hand"


class BreakerOpenError(UnavailableError):
    """The breaker is open, or its one probe is under way: the dependency has not been asked."""

    def __init__(self, name: str, retry_after_s: float) -> None:
        super().__init__(f"{name} is failing and is not asked for now")
        self.headers = {"Retry-After": str(max(1, math.ceil(retry_after_s)))}


class NeutralError(UnavailableError):
    """A call that ended for reasons of its caller's; it says nothing about the dependency."""


class Rule(Protocol):
    """When failures open the breaker. Told of results while it is closed only."""

    description: str

    @property
    def failures(self) -> int: ...
    def success(self, now: float) -> None: ...
    def failure(self, now: float) -> bool:
        """Note a failure; True where it opens the breaker."""

    def clear(self) -> None: ...


class Consecutive:
    """Opens at `threshold` failures with no success between them: the design's rule for dependencies, with 5."""

    def __init__(self, threshold: int) -> None:
        if threshold < 1:
            raise ValueError(f"a breaker cannot open after {threshold} failures")
        self._threshold = threshold
        self.description = f"{threshold} failures in a row"
        self.failures = 0

    def success(self, now: float) -> None:
        self.failures = 0

    def failure(self, now: float) -> bool:
        self.failures += 1
        return self.failures >= self._threshold

    def clear(self) -> None:
        self.failures = 0


class FailureShare:
    """Opens when `share` of the last `window_s` seconds' calls failed, of `minimum` at least.

    The design's rule for calls between services: opossum's errorThresholdPercentage, whose window is 10 s.
    """

    def __init__(self, share: float, *, window_s: float, minimum: int) -> None:
        if not 0 < share <= 1 or window_s <= 0 or minimum < 1:
            raise ValueError(f"no rule: a share of {share} in {window_s} s of at least {minimum} calls")
        self._share, self._window_s, self._minimum = share, window_s, minimum
        self.description = f"{share:.0%} of at least {minimum} calls in {window_s:g} s"
        self._calls: deque[tuple[float, bool]] = deque()
        self.failures = 0

    def success(self, now: float) -> None:
        self._note(now, failed=False)

    def failure(self, now: float) -> bool:
        self._note(now, failed=True)
        return len(self._calls) >= self._minimum and self.failures >= self._share * len(self._calls)

    def clear(self) -> None:
        self._calls.clear()
        self.failures = 0

    def _note(self, now: float, *, failed: bool) -> None:
        self._calls.append((now, failed))
        self.failures += failed
        while self._calls[0][0] <= now - self._window_s:
            self.failures -= self._calls.popleft()[1]


class Result(StrEnum):
    """What a call tells of its dependency; `not_permitted` calls were not made."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    NOT_PERMITTED = "not_permitted"


class Observer(Protocol):
    """Told of everything that a breaker does, at once and in order; must not block. Calls are numbered."""

    def began(self, breaker: "Breaker", call: int, *, probe: bool) -> None: ...
    def ended(self, breaker: "Breaker", call: int | None, result: Result) -> None: ...
    def changed(self, breaker: "Breaker", old: str, new: str, reason: str) -> None: ...


class Call:
    """A guarded call under way."""

    def __init__(self, breaker: "Breaker", number: int, epoch: int, *, probe: bool) -> None:
        self._breaker = breaker
        self.number = number
        self.epoch = epoch
        self.probe = probe
        self.failure: str | None = None

    def failed(self, reason: str) -> None:
        """Count the call as a failure although nothing is raised: its answer tells of one, and is passed on."""
        self.failure = reason

    def responding(self) -> None:
        """The dependency has begun to answer: a probe, which others wait for, need not go on to the end of a stream."""
        if self.probe:
            self._breaker.responding(self)


class Breaker(CircuitBreaker):  # type: ignore[misc]  # the library has no types
    """Guards the calls to one dependency.

    A failure is the dependency's own UnavailableError, raised in the guarded body (timeouts belong inside of it). A
    ServiceError of another sort is an answer, and so a success. What else ends a call counts for nothing: cancellation,
    a NeutralError, another dependency's failure, a defect.

    Args:
        recovery_s: so long after it opened one call may probe; the others are told to come back.
        force_closed: count, but never open (the design's manual override).
    """

    def __init__(
        self,
        name: str,
        rule: Rule,
        *,
        recovery_s: float,
        clock: Callable[[], float] = time.monotonic,
        force_closed: bool = False,
    ) -> None:
        if recovery_s <= 0:  # the library would take 30 instead
            raise ValueError(f"a breaker cannot recover after {recovery_s} s")
        super().__init__(name=name, recovery_timeout=recovery_s)
        self.rule = rule
        self.clock = clock
        self.force_closed = force_closed
        self.observers: list[Observer] = []
        self._epoch = 0
        self._calls = 0
        self._probe: Call | None = None
        self._probed = False  # since it opened

    @property
    def open_remaining(self) -> float:
        """Seconds until a call may probe; the library's, which rounds, on this breaker's clock."""
        return float(self._opened + self._recovery_timeout - self.clock())

    @property
    def failure_count(self) -> int:
        return self.rule.failures

    def __enter__(self) -> None:
        raise TypeError("a breaker's calls overlap: guard each by `with breaker.guard():`")

    @contextmanager
    def guard(self, failure: type[UnavailableError] = UnavailableError) -> Iterator[Call]:
        """Around one call, which fails by raising `failure`; raises BreakerOpenError where it may not be made."""
        call = self._begin()
        result = Result.NEUTRAL
        reason: object = None
        try:
            yield call
            result, reason = (Result.FAILURE, call.failure) if call.failure else (Result.SUCCESS, None)
        except UnavailableError as error:
            if isinstance(error, failure) and not isinstance(error, NeutralError):
                result, reason = Result.FAILURE, error
            raise
        except ServiceError:
            result = Result.SUCCESS
            raise
        finally:
            self._end(call, result, reason)

    def check(self) -> None:
        """Raise BreakerOpenError where a call may not be made now."""
        state = self.state
        if state == STATE_OPEN or (state == STATE_HALF_OPEN and self._probe):
            for observer in self.observers:
                observer.ended(self, None, Result.NOT_PERMITTED)
            raise BreakerOpenError(str(self.name), self.open_remaining)

    def _begin(self) -> Call:
        self.check()
        self._calls += 1
        call = Call(self, self._calls, self._epoch, probe=self.state == STATE_HALF_OPEN)
        if call.probe:
            self._probe = call
            if not self._probed:
                self._tell(STATE_OPEN, STATE_HALF_OPEN, "the time to recover is over")
            self._probed = True
        for observer in self.observers:
            observer.began(self, call.number, probe=call.probe)
        return call

    def _end(self, call: Call, result: Result, reason: object) -> None:
        if call.epoch != self._epoch:
            result = Result.NEUTRAL  # it began before the state changed: what it says is out of date
        for observer in self.observers:
            observer.ended(self, call.number, result)
        if call is self._probe:
            self._probe = None
            if result is Result.SUCCESS:
                self._move(STATE_CLOSED, "the probe succeeded")
            elif result is Result.FAILURE:
                self._move(STATE_OPEN, f"the probe failed: {reason}")
        elif result is Result.SUCCESS:
            self.rule.success(self.clock())
        elif result is Result.FAILURE:
            self._last_failure = reason
            if self.rule.failure(self.clock()) and not self.force_closed:
                self._move(STATE_OPEN, f"{self.rule.description}, the last: {reason}")

    def responding(self, probe: Call) -> None:
        """Close on a probe that has begun to answer; what becomes of the rest of it counts as an ordinary call's."""
        if probe is self._probe and probe.epoch == self._epoch:
            self._move(STATE_CLOSED, "the probe is answered")
            probe.epoch = self._epoch

    def reset(self) -> None:
        """Close it by hand; calls under way count for nothing."""
        if self.state == STATE_CLOSED:  # its count goes; whoever keeps its history must know
            self._tell(STATE_CLOSED, STATE_CLOSED, BY_HAND)
        self._move(STATE_CLOSED, BY_HAND)

    def _move(self, new: str, reason: str) -> None:
        old = self.state
        self._epoch += 1
        self._probe, self._probed = None, False
        self._state = new
        self.rule.clear()
        if new == STATE_OPEN:
            self._opened = self.clock()
        if old != new:
            self._tell(old, new, reason)

    def _tell(self, old: str, new: str, reason: str) -> None:
        for observer in self.observers:
            observer.changed(self, old, new, reason)

    def describe(self) -> dict[str, Any]:
        """Its state and rule, for people and tests."""
        state = self.state
        return {
            "name": self.name,
            "state": state,
            "rule": self.rule.description,
            "failures": self.failure_count,
            "recovery_s": self._recovery_timeout,
            "probe_in_s": round(max(0.0, self.open_remaining), 3) if state == STATE_OPEN else None,
            "probing": self._probe is not None,
            "force_closed": self.force_closed,
        }
