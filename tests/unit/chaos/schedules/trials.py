"""Schedules, and a stack that is a function."""

from collections.abc import Callable

from chaos.faults import Fault, to_json
from chaos.record import Finding, Verdict
from chaos.schedules.draw import ordered
from chaos.schedules.explore import Attempt
from chaos.schedules.schedule import Interval, Schedule
from chaos.schedules.trial import Happened, Trial


def interval(fault: Fault, start: float = 0.0, end: float = 1.0) -> Interval:
    return Interval(to_json(fault), start, end)


def schedule(*intervals: Interval) -> Schedule:
    return ordered(list(intervals))


def trial(one: Schedule, *failed: str, name: str = "001", seed: int = 7, happened: tuple[Happened, ...] = ()) -> Trial:
    findings = [
        Finding("a check", Verdict.PASSED, "fine"),
        *(Finding(check, Verdict.FAILED, "bad") for check in failed),
    ]
    return Trial(name, seed, one, happened, tuple(findings), 1.0)


def stack(fails: Callable[[Schedule], str | None], ran: list[Trial] | None = None) -> Attempt:
    """Fails the check that `fails` names; `ran` gets every trial."""

    def attempt(one: Schedule, name: str, seed: int) -> Trial:
        check = fails(one)
        made = trial(one, *([check] if check else []), name=name, seed=seed)
        if ran is not None:
            ran.append(made)
        return made

    return attempt


def together(one: Schedule, *kinds: str) -> bool:
    """Whether faults of both kinds are in force at one moment."""
    there = {kind: [each for each in one.intervals if each.fault["kind"] == kind] for kind in kinds}
    first, second = there.values()
    return any(a.start < b.end and b.start < a.end for a in first for b in second)
