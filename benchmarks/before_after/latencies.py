"""The design's figures for latency: 100 requests one after the other, and the trigger of a rollback under load."""

import math
from collections.abc import Iterator

from benchmarks.before_after import figures
from benchmarks.before_after.figures import ON_TIME, Latency, latency
from benchmarks.before_after.record import Found, Report
from benchmarks.before_after.row import Row, Verdict
from benchmarks.before_after.units import UNKNOWN, milliseconds, percent
from chaos.record import Outcome

RANGES = {"search": ("8 to 12 ms → 6 to 10 ms", 10), "question": ("5 to 10 s → 4 to 8 s", 8000)}
"""The design's ranges before and after, and the latter's upper end in ms."""

FASTER = -0.2  # the design's change of both
SLOWER = 2.0  # times the p95 before, from which on the design rolls back


def rows(report: Report) -> Iterator[Row]:
    """A range and a change for each kind of request, and the trigger."""
    for operation in RANGES:
        yield _range(report, operation)
        yield _change(report, operation)
    yield _trigger(report)


def _range(report: Report, operation: str) -> Row:
    design, most = RANGES[operation]
    before, after = (latency(figures.of(stack.found.alone, operation)) for stack in (report.before, report.after))
    cached, computed = (_typical(report.after.found, operation, outcome) for outcome in (Outcome.CACHED, Outcome.LIVE))
    why = f"the p95 counts; after: {cached} from the cache, {computed} computed (p50)"
    if operation == "question" and report.after.runs.get("ollama", "").endswith("(stand-in)"):
        why += ". Answers are quoted from the passages and not written by a language model, so this proves little"
    return Row(
        f"{operation.capitalize()}, p50 to p95 of {report.plan.requests}",
        design,
        _span(before),
        _span(after),
        Verdict.of(after.p95 <= most if after else None),
        why,
    )


def _change(report: Report, operation: str) -> Row:
    asked = [figures.of(stack.found.alone, operation) for stack in (report.before, report.after)]
    before, after = map(figures.mean_ms, asked)
    share = after / before - 1
    computed = [milliseconds(figures.mean_ms(figures.of(answers, operation, Outcome.LIVE))) for answers in asked]
    return Row(
        f"{operation.capitalize()}, change of the mean",
        percent(FASTER, signed=True),
        milliseconds(before),
        f"{milliseconds(after)}, {percent(share, signed=True)}",
        Verdict.of(None if math.isnan(share) or report.disturbed else share <= FASTER),
        f"computed answers took {computed[0]} before and {computed[1]} after; the rest is the cache's{_others(report)}",
    )


def _trigger(report: Report) -> Row:
    loads = [stack.found.loaded for stack in (report.before, report.after)]
    before, after = (latency(figures.of(answers, "search")) for answers in loads)
    times = after.p95 / before.p95 if before and after else None
    if any(figures.on_time(answers) < ON_TIME for answers in loads):
        verdict, why = Verdict.UNKNOWN, "the generator was late: the machine was too busy"
    else:
        verdict = Verdict.of(None if times is None or report.disturbed else times <= SLOWER)
        why = f"{times or 0:.2g} times before; from there on the design rolls back{_others(report)}"
    said = (milliseconds(before.p95 if before else None), milliseconds(after.p95 if after else None))
    return Row("Search under load, p95", f"at most {SLOWER:g} times before", *said, verdict, why)


def _others(report: Report) -> str:
    return "; others were at work, and not the same during both" if report.disturbed else ""


def _span(waited: Latency | None) -> str:
    return f"{milliseconds(waited.p50)} to {milliseconds(waited.p95)}" if waited else UNKNOWN


def _typical(found: Found, operation: str, outcome: Outcome) -> str:
    waited = latency(figures.of(found.alone, operation, outcome))
    return milliseconds(waited.p50 if waited else None)
