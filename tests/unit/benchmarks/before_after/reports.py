"""A small report, made by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime

from benchmarks.before_after.record import Answer, Found, Measured, Plan, Report, Trips
from benchmarks.before_after.schedule import FAILURES, STACKS, schedule
from chaos.record import Outcome

SEED = 3
MACHINE = {"processor": "a processor", "cores": "2"}
PLAN = Plan(SEED, requests=4, rate=10, load_s=2, slots=schedule(FAILURES, SEED))


def answers(*seconds: float, operation: str = "search", outcome: Outcome = Outcome.LIVE) -> list[Answer]:
    """One every tenth of a second, each of which took so long."""
    return [
        Answer(operation, outcome is Outcome.CACHED, number / 10, 0.0, took, outcome)
        for number, took in enumerate(seconds)
    ]


def under_faults(fails: Iterable[str], *, outcome: Outcome = Outcome.UNAVAILABLE) -> list[Answer]:
    """Ten requests a second for as long as the schedule takes; those that meet a fault of these get `outcome`."""
    letters = [(slot.begin, slot.heal) for slot in PLAN.slots if slot.says in set(fails)]
    times = [number / 10 for number in range(int(PLAN.schedule_s * 10))]
    hit = {at for at in times for begin, heal in letters if begin <= at < heal}
    return [Answer("search", False, at, 0.0, 0.01, outcome if at in hit else Outcome.LIVE) for at in times]


def measured(name: str, found: Found, *, busy: float = 0.01) -> Measured:
    """A stack of which that was found."""
    runs = {"ollama": "embedded Ollama 0.1.0 (stand-in)", "query": "this project 0.1.0"}
    return Measured(STACKS[name], runs, busy, 20.0, {"ollama": 200, "query": 50}, found)


def report(before: Found | None = None, after: Found | None = None, *, busy: float = 0.01) -> Report:
    """The report on two stacks; without anything else, on two that are as good as can be."""
    stacks = [
        measured("before", before or calm(), busy=busy),
        measured("after", after or calm(), busy=busy),
    ]
    return Report(datetime(2025, 11, 26, tzinfo=UTC), MACHINE, "abc", False, PLAN, *stacks)


def calm(**found: object) -> Found:
    """What a stack gives that answers everything within 10 ms; some of it changed."""
    fine = answers(*[0.01] * 4)
    questions = answers(*[0.1] * 4, operation="question")
    usual = {"alone": fine + questions, "loaded": fine, "faulted": under_faults(()), "trips": [Trips(0, 0)]}
    return Found(**(usual | found))  # type: ignore[arg-type]  # the fields' names are the caller's business
