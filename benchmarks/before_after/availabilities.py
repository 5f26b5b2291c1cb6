"""The design's figures for availability, and its triggers of a rollback: errors, and breakers that open for nothing."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.before_after import figures
from benchmarks.before_after.figures import ANSWERED, ON_TIME, answered, failures_left, hitting, in_slot
from benchmarks.before_after.record import Answer, Report
from benchmarks.before_after.row import Row, Verdict
from benchmarks.before_after.schedule import VECTORS
from benchmarks.before_after.units import UNKNOWN, percent

LEFT = 0.1  # 99.9 % to 99.99 %: a tenth of the failures
CALM = 0.01  # of requests may fail under load without a fault; beyond it, failures are not the faults' alone
ERRORS, FALSE = 0.05, 0.1  # from which on the design rolls back


def rows(report: Report) -> Iterator[Row]:
    """Availability under faults, on the whole and where the cluster counts; and the two triggers."""
    before, after, slots = report.before.found.faulted, report.after.found.faulted, report.plan.slots
    vectors = (hitting(answers, slots, VECTORS) for answers in (before, after))
    yield _availability(report, "Availability, faults of a vector node", *vectors)
    yield _availability(report, "Availability, all faults", before, after, why=f": {_worst(report)}")
    yield _errors(report)
    yield _false_trips(report)


def _availability(
    report: Report, what: str, before: Sequence[Answer], after: Sequence[Answer], *, why: str = ""
) -> Row:
    left = failures_left(before, after)
    said = (percent(answered(before), 2), percent(answered(after), 2))
    if doubts := _doubts(report):
        return Row(what, "99.9 % → 99.99 %", *said, Verdict.UNKNOWN, doubts)
    verdict = Verdict.of(None if math.isnan(left) else left <= LEFT)
    share = f"{percent(left, 1)} of the failures are left, and the design promises a tenth"
    return Row(what, "99.9 % → 99.99 %", *said, verdict, share + (why if verdict is Verdict.MISSED else ""))


def _doubts(report: Report) -> str:
    """Why the two schedules prove nothing; empty where they do."""
    both = (report.before.found, report.after.found)
    if any(figures.failed(found.loaded) > CALM for found in both):
        return "one of the stacks could not carry the load even without a fault: the machine was too busy"
    if any(figures.on_time(found.faulted) < ON_TIME for found in both):
        return "the generator was late: the machine was too busy"
    return "; ".join(line for found in both for line in found.trouble)


def _worst(report: Report) -> str:
    """The faults that left most requests without an answer, as far as they make up most of those."""
    failed = {
        slot.says: sum(one.outcome not in ANSWERED for one in in_slot(report.after.found.faulted, slot))
        for slot in report.plan.slots
    }
    worst = sorted(failed, key=lambda says: failed[says], reverse=True)[:3]
    return ", ".join(f"{says} ({failed[says]} of {sum(failed.values())})" for says in worst if failed[says])


def _errors(report: Report) -> Row:
    before, after = ([*stack.found.alone, *stack.found.loaded] for stack in (report.before, report.after))
    share = figures.failed(after)
    return Row(
        "Errors without a fault",
        f"at most {percent(ERRORS)}",
        percent(figures.failed(before), 2),
        percent(share, 2),
        Verdict.of(share <= ERRORS),
        f"of {len(after)} requests; from there on the design rolls back",
    )


def _false_trips(report: Report) -> Row:
    seen = figures.trips(report.after.found)
    share = seen.false / seen.all if seen and seen.all else None
    return Row(
        "Breakers, false trips",
        f"at most {percent(FALSE)}",
        UNKNOWN,
        percent(share),
        Verdict.of(None if share is None or _doubts(report) else share <= FALSE),
        f"{seen.false} of {seen.all} trips" if seen else "the breakers' counts could not be read",
    )
