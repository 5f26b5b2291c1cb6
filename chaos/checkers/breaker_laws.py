"""The laws of a circuit breaker that counts failures in a row, as a state machine that a history is held to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from chaos.checkers.breaker_events import BY_HAND, CLIENT_ERROR, BreakerEvent, Kind


class Law(StrEnum):
    """What a breaker must do."""

    OPENS_AT_THRESHOLD = "opens-at-threshold"
    NEVER_OPENS = "never-opens"  # the law that it does open
    CLOSED_PERMITS = "closed-permits-all"
    OPEN_REFUSES = "open-permits-nothing"
    RECOVERS = "recovers-after"
    ONE_PROBE = "one-probe"
    SLOT_IS_FREED = "probe-slot-is-freed"
    SUCCESS_CLOSES = "success-closes"
    FAILURE_REOPENS = "failure-reopens"
    CANCELLATION = "cancellation-is-neutral"
    LATE_RESULT = "late-result-is-neutral"
    CLIENT_ERROR = "client-error-is-no-failure"


@dataclass(frozen=True)
class Violation:
    """A law that was broken."""

    law: Law
    at: float
    said: str


@dataclass(frozen=True)
class Rule:
    """The design's: five failures in a row open it, and 30 s later a call may probe."""

    threshold: int = 5
    recovery_s: float = 30.0
    tolerance_s: float = 0.01  # of the time to recover


def violations(events: Iterable[BreakerEvent], rule: Rule) -> list[Violation]:
    """What is wrong with a breaker's history. One whose beginning is missing counts from its first change of state."""
    machine = _Machine(rule)
    for event in events:
        machine.see(event)
    machine.end()
    return machine.found


@dataclass
class _Streak:
    """Failures since the last success, and what else came among them that must not count."""

    failures: int = 0
    neutral: int = 0
    since_neutral: int = 0
    late: int = 0
    since_late: int = 0

    def blame(self, threshold: int) -> Law:
        """Which law a breaker breaks that opens now."""
        if self.neutral and threshold in {self.failures + self.neutral, self.since_neutral}:
            return Law.CANCELLATION
        if self.late and threshold in {self.failures + self.late, self.since_late}:
            return Law.LATE_RESULT
        return Law.OPENS_AT_THRESHOLD


class _Machine:
    def __init__(self, rule: Rule) -> None:
        self.found: list[Violation] = []
        self._rule = rule
        self._state: Kind | None = None  # not known yet
        self._streak = _Streak()
        self._opened_at = 0.0
        self._epoch = 0  # counts openings and closings: a call of an earlier one is late
        self._calls: dict[int | None, int] = {}  # under way: the epoch in which they began
        self._probe: int | None = None
        self._due: Kind | None = None  # the state that has to come next
        self._blamed: Law | None = None  # for a change of state that nothing else explains
        self._last_at = 0.0
        self._see: dict[Kind, Callable[[BreakerEvent], None]] = {
            Kind.BEGAN: self._began,
            Kind.PROBE: self._probed,
            Kind.ANSWERED: self._answered,
            Kind.NOT_PERMITTED: self._refused,
        }

    def see(self, event: BreakerEvent) -> None:
        self._last_at = event.at
        if event.kind in {Kind.CLOSED, Kind.HALF_OPEN, Kind.OPEN}:
            self._changed(event)
            return
        if self._state is None and event.kind is Kind.BEGAN and event.call == 1:
            self._state = Kind.CLOSED  # the history is whole
        if self._state is None:
            return
        if self._state is not Kind.CLOSED:
            self._unmet(event.at)
        self._see.get(event.kind, self._ended)(event)

    def end(self) -> None:
        if self._state is Kind.CLOSED:
            self._never_opened(self._last_at)
        else:
            self._unmet(self._last_at)

    def _broke(self, law: Law, at: float, said: str) -> None:
        self.found.append(Violation(law, at, said))

    def _unmet(self, at: float) -> None:
        """A probe's end must be followed by the change that it causes."""
        if self._due:
            law = Law.SUCCESS_CLOSES if self._due is Kind.CLOSED else Law.FAILURE_REOPENS
            self._broke(law, at, f"the probe has ended, and the breaker has not become {self._due}")
            self._due = None

    def _never_opened(self, at: float) -> None:
        if self._streak.failures >= self._rule.threshold:
            self._broke(Law.NEVER_OPENS, at, f"closed after {self._streak.failures} failures in a row")

    def _began(self, event: BreakerEvent) -> None:
        if self._state is Kind.OPEN:
            self._broke(Law.OPEN_REFUSES, event.at, f"call {event.call} was permitted while it was open")
        if self._state is Kind.HALF_OPEN:
            self._broke(Law.ONE_PROBE, event.at, f"call {event.call} was permitted and was no probe")
        self._calls[event.call] = self._epoch

    def _probed(self, event: BreakerEvent) -> None:
        if self._state is Kind.OPEN:
            self._half_open(event.at)
        if self._probe is not None:
            self._broke(Law.ONE_PROBE, event.at, f"call {event.call} probes while call {self._probe} does")
        self._probe = event.call
        self._calls[event.call] = self._epoch

    def _half_open(self, at: float) -> None:
        early = self._opened_at + self._rule.recovery_s - at
        if early > self._rule.tolerance_s:
            self._broke(Law.RECOVERS, at, f"half-open {early:.3f} s too early")
        self._state = Kind.HALF_OPEN

    def _answered(self, event: BreakerEvent) -> None:
        if self._probe is None:
            self._broke(Law.SUCCESS_CLOSES, event.at, "a probe was answered that was not under way")
            return
        self._due = Kind.CLOSED
        self._calls[self._probe] = self._epoch + 1  # what becomes of the rest of it counts as an ordinary call's

    def _refused(self, event: BreakerEvent) -> None:
        if self._state is Kind.CLOSED:
            self._broke(Law.CLOSED_PERMITS, event.at, "a call was refused while it was closed")
        if self._state is Kind.HALF_OPEN and self._probe is None:
            self._broke(Law.SLOT_IS_FREED, event.at, "a call was refused though no probe was under way")
        late = event.at - self._opened_at - self._rule.recovery_s
        if self._state is Kind.OPEN and late > self._rule.tolerance_s:
            self._broke(Law.RECOVERS, event.at, f"a call was refused {late:.3f} s after the time to recover was over")

    def _ended(self, event: BreakerEvent) -> None:
        began = self._calls.pop(event.call, None)
        if event.kind is Kind.FAILURE and event.cause == CLIENT_ERROR:
            self._broke(Law.CLIENT_ERROR, event.at, f"call {event.call} failed by its caller's mistake and counts")
        if began != self._epoch:
            self._blamed = Law.LATE_RESULT
            self._streak.late, self._streak.since_late = self._streak.late + 1, 0
        elif event.call == self._probe:
            self._probe = None
            self._blamed = Law.CANCELLATION if event.kind is Kind.NEUTRAL else None
            self._due = {Kind.SUCCESS: Kind.CLOSED, Kind.FAILURE: Kind.OPEN}.get(event.kind)
        elif event.kind is Kind.NEUTRAL:
            self._blamed = Law.CANCELLATION
            self._streak.neutral, self._streak.since_neutral = self._streak.neutral + 1, 0
        elif event.kind is Kind.SUCCESS:
            self._never_opened(event.at)
            self._streak = _Streak()
        else:
            streak = self._streak
            streak.failures, streak.since_neutral, streak.since_late = (
                streak.failures + 1,
                streak.since_neutral + 1,
                streak.since_late + 1,
            )

    def _changed(self, event: BreakerEvent) -> None:
        if self._state is not None and event.cause != BY_HAND:
            self._judge(event)
        self._due, self._blamed = None, None
        self._state = event.kind
        if event.kind is Kind.HALF_OPEN:
            return
        self._epoch += 1
        self._probe, self._streak = None, _Streak()
        if event.kind is Kind.OPEN:
            self._opened_at = event.at

    def _judge(self, event: BreakerEvent) -> None:
        old, new = self._state, event.kind
        if (old, new) == (Kind.OPEN, Kind.HALF_OPEN):
            self._half_open(event.at)
        elif (old, new) == (Kind.CLOSED, Kind.OPEN):
            if self._streak.failures != self._rule.threshold:
                law = self._streak.blame(self._rule.threshold)
                self._broke(law, event.at, f"opened after {self._streak.failures} failures in a row")
        elif new is not self._due:
            usual = Law.SUCCESS_CLOSES if (self._due or new) is Kind.CLOSED else Law.FAILURE_REOPENS
            self._broke(self._blamed or usual, event.at, f"{old} became {new} without a probe's result that says so")
