"""One run of a schedule: what was meant, what happened, what was found."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chaos.record import Finding, Verdict
from chaos.schedules.schedule import Interval, Schedule


@dataclass(frozen=True)
class Happened:
    """An interval's times as they were, in seconds since the schedule began; None for what never came to be."""

    fault: str  # as it describes itself
    begun: float  # its injection
    in_force: float | None  # it has been read back
    ended: float | None  # healing began
    healed: float | None


@dataclass(frozen=True)
class Trial:
    """The journal's entry. `smallest` is the smallest schedule that fails in the same way, where one was sought."""

    name: str
    seed: int
    schedule: Schedule
    happened: tuple[Happened, ...]  # of each interval of the schedule
    findings: tuple[Finding, ...]
    seconds: float
    smallest: Schedule | None = None

    @property
    def verdict(self) -> Verdict:
        """The heaviest of the findings'."""
        return Verdict.worst(finding.verdict for finding in self.findings)

    @property
    def failed(self) -> frozenset[str]:
        """The checks that failed."""
        return frozenset(finding.check for finding in self.findings if finding.verdict is Verdict.FAILED)

    @property
    def as_it_happened(self) -> Schedule:
        """The schedule with the times at which its faults really began and ended; as planned if it has not been run."""
        if not self.happened:
            return self.schedule
        return Schedule(tuple(map(_as_it_was, self.schedule.intervals, self.happened)))


def _as_it_was(interval: Interval, happened: Happened) -> Interval:
    if happened.ended is None:
        return interval
    return replace(interval, start=happened.begun, end=happened.ended)


def summed_up(trials: Iterable[Trial]) -> list[Finding]:
    """A finding for each check, over all trials: the worst verdict, and what each trial that did not pass said."""
    known = list(trials)
    checks = dict.fromkeys(finding.check for trial in known for finding in trial.findings)
    return [_summed_up(check, known) for check in checks]


def _summed_up(check: str, trials: list[Trial]) -> Finding:
    found = {trial.name: finding for trial in trials for finding in trial.findings if finding.check == check}
    bad = {name: finding.said for name, finding in found.items() if finding.verdict is not Verdict.PASSED}
    said = f"{len(found) - len(bad)} of {len(found)} schedules passed"
    if bad:
        said += f"; {next(iter(bad))}: {next(iter(bad.values()))}"
    return Finding(check, Verdict.worst(finding.verdict for finding in found.values()), said, {"not passed": bad})
