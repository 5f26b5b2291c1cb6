"""The design's own figures beside those that were measured, each with whether it was held, and why."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.before_after import availabilities, latencies
from benchmarks.before_after.record import Report
from benchmarks.before_after.row import Row, Verdict
from benchmarks.before_after.units import UNKNOWN

MEMORY_GIB = 16  # the design's constraint
START_S = 60  # what the README promises of a start with everything installed


def rows(report: Report) -> Iterator[Row]:
    """All figures of the design's analysis, its triggers of a rollback, and what it allows a stack to use."""
    measured = (*latencies.rows(report), *availabilities.rows(report), _memory(report), _start(report))
    yield from map(_doubted, measured) if report.disturbed else measured
    for what, design in (("Front end, bundle", "800 KB → 300 KB"), ("Front end, initial load", "1.2 s → 0.6 s")):
        yield Row(what, design, UNKNOWN, UNKNOWN, Verdict.NOT_MEASURED, "this project has no front end")


def _doubted(row: Row) -> Row:
    """The row for a busy machine: what is held in spite of it is held, but a miss may be the others'."""
    if row.verdict is not Verdict.MISSED:
        return row
    return replace(row, verdict=Verdict.UNKNOWN, why=f"not held, but others were at work; {row.why}")


def _memory(report: Report) -> Row:
    before, after = (sum(stack.memory_mb.values()) / 1024 for stack in (report.before, report.after))
    verdict, said = Verdict.of(after < MEMORY_GIB), (f"{before:.1f} GiB", f"{after:.1f} GiB")
    return Row("Memory", f"below {MEMORY_GIB} GB", *said, verdict, "resident, after the start and before any load")


def _start(report: Report) -> Row:
    before, after = report.before.start_s, report.after.start_s
    design, said = f"none; the README says {START_S} s", (f"{before:.0f} s", f"{after:.0f} s")
    why = "from nothing to an answered question, the sample documents read and embedded on the way"
    return Row("Start of the stack", design, *said, Verdict.of(after <= START_S), why)
