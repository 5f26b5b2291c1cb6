"""The report as a page of the documentation; its text is in `page.md.j2`, here are its tables."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.before_after import figures
from benchmarks.before_after.charts import charts
from benchmarks.before_after.figures import in_slot, latency
from benchmarks.before_after.record import Answer, Measured, Report, save
from benchmarks.before_after.schedule import RECOVERY_S, RESTS_S
from benchmarks.before_after.table import rows
from benchmarks.before_after.units import UNKNOWN, milliseconds, percent
from benchmarks.before_after.workload import REPEATED, SEARCHES
from chaos.record import Outcome

NAME = "before-after"
ON_THE_WAY = ("redis", "ollama", "qdrant")  # what a search waits for; the database gets its row afterwards

Cells = Sequence[str]

_TEMPLATES = Environment(  # noqa: S701 - Markdown, from figures of our own
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def write(report: Report, folder: Path) -> list[Path]:
    """Write page, charts and record into the folder; returns their paths, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{NAME}.md": text(report)} | {f"{NAME}-{name}.svg": svg for name, svg in charts(report).items()}
    for name, content in files.items():
        (folder / name).write_text(content)
    kept = folder / f"{NAME}.json.gz"
    save(kept, report)
    return [*(folder / name for name in files), kept]


def text(report: Report) -> str:
    """The page's Markdown."""
    return _TEMPLATES.get_template("page.md.j2").render(
        report=report,
        name=NAME,
        busy=report.disturbed,
        recovery_s=RECOVERY_S,
        rests_s=f"{RESTS_S:g}",
        repeated=percent(REPEATED),
        searches=percent(SEARCHES),
        settings=_table(("setting", "before", "after"), _settings(report)),
        conditions=_table(("condition", ""), _conditions(report)),
        design=_table(("figure", "design", "before", "after", "verdict", "why"), _design(report)),
        latencies=_table(("request", "how", "stack", "requests", "p50", "p95", "p99"), _latencies(report)),
        inside=_table(("", "before", "after"), _inside(report)),
        faults=_table(
            ("", "fault", "answered before", "after", "after, from the cache", "p95 before", "p95 after"),
            _faults(report),
        ),
        trouble=[f"{name}: {line}" for name, stack in _stacks(report) for line in stack.found.trouble],
        resources=_table(("", "before", "after"), _resources(report)),
    )


def _stacks(report: Report) -> tuple[tuple[str, Measured], tuple[str, Measured]]:
    return ("before", report.before), ("after", report.after)


def _settings(report: Report) -> Iterator[Cells]:
    for name in report.after.settings:
        yield f"`{name}`", *(f"`{str(stack.settings[name]).lower()}`" for _, stack in _stacks(report))


def _conditions(report: Report) -> Iterator[Cells]:
    stand_ins = [name for name, runs in report.after.runs.items() if runs.endswith("(stand-in)")]
    yield "date", f"{report.began_at:%Y-%m-%d %H:%M} UTC"
    yield "commit", f"`{report.commit}`"
    yield "seed", str(report.plan.seed)
    yield from report.machine.items()
    yield "processors in use before each stack", ", ".join(percent(stack.busy) for _, stack in _stacks(report))
    yield "[stand-ins](../embedded-stand-ins.md)", ", ".join(stand_ins) or "none"


def _design(report: Report) -> Iterator[Cells]:
    for row in rows(report):
        yield row.what, row.design, row.before, row.after, f"**{row.verdict}**", row.why


def _latencies(report: Report) -> Iterator[Cells]:
    for operation in ("search", "question"):
        for name, stack in _stacks(report):
            phases = {"one by one": stack.found.alone, f"{report.plan.rate:g} a second": stack.found.loaded}
            for how, answers in phases.items():
                asked = figures.of(answers, operation)
                yield operation, how, name, str(len(asked)), *_quantiles(asked)


def _inside(report: Report) -> Iterator[Cells]:
    stacks = [stack for _, stack in _stacks(report)]
    called = sorted({name for stack in stacks for name in stack.found.attempts_ms if name.startswith(ON_THE_WAY)})
    for dependency in called:
        yield f"call to {dependency}, mean", *(milliseconds(s.found.attempts_ms.get(dependency)) for s in stacks)
    for says, outcome in (("computed", Outcome.LIVE), ("cached", Outcome.CACHED)):
        waited = [latency(figures.of(stack.found.alone, "search", outcome)) for stack in stacks]
        yield f"{says} search in all, p50", *(milliseconds(one.p50 if one else None) for one in waited)


def _faults(report: Report) -> Iterator[Cells]:
    for slot in report.plan.slots:
        says = f"{slot.says}, {slot.heal - slot.begin:.1f} s"
        yield slot.letter, says, *_fault(*(in_slot(stack.found.faulted, slot) for _, stack in _stacks(report)))
    yield "", "**in all**", *_fault(report.before.found.faulted, report.after.found.faulted)


def _fault(before: Sequence[Answer], after: Sequence[Answer]) -> Cells:
    seen = figures.outcomes(after)
    cached = (seen[Outcome.CACHED] + seen[Outcome.DEGRADED]) / len(after) if after else None
    waited = (latency(before), latency(after))
    return (
        percent(figures.answered(before), 1),
        percent(figures.answered(after), 1),
        percent(cached, 1),
        *(milliseconds(one.p95 if one else None) for one in waited),
    )


def _resources(report: Report) -> Iterator[Cells]:
    stacks = [stack for _, stack in _stacks(report)]
    yield "from nothing to an answered question", *(f"{stack.start_s:.0f} s" for stack in stacks)
    for component in report.after.memory_mb:
        known = (stack.memory_mb.get(component) for stack in stacks)
        yield f"{component}, MiB", *(UNKNOWN if value is None else str(value) for value in known)
    yield "**memory in all, MiB**", *(str(sum(stack.memory_mb.values())) for stack in stacks)


def _quantiles(answers: Iterable[Answer]) -> Cells:
    waited = latency(answers)
    return [milliseconds(value) for value in (waited.p50, waited.p95, waited.p99)] if waited else [UNKNOWN] * 3


def _table(header: Cells, lines: Iterable[Cells]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *lines))
