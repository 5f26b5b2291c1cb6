"""The figures of a run as a table, and below it what those that missed their bounds consist of."""

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.benchmark import Benchmark
from benchmarks.compare import Change, change
from benchmarks.figures import RATIO, Figure, Verdict
from benchmarks.results import Result

COLOURS = {Verdict.HOLDS: "green", Verdict.MISSED: "red", Verdict.NOISE: "yellow"}
CHANGED = {"better": "green", "worse": "red", "same": "dim"}


def show(console: Console, result: Result, known: Mapping[str, Benchmark], before: Mapping[str, Result]) -> None:
    """Print the run; `before` has for each benchmark the run that it is compared with."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("figure", overflow="fold")
    for title in ("median", "95 %", "bound"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict")
    table.add_column("since the last run")
    for name, figures in result.figures.items():
        table.add_row(f"[bold]{name}[/]")
        for figure in figures:
            earlier = before.get(name)
            table.add_row(*_cells(figure, change(name, figure, earlier, result.machine) if earlier else None))
    console.print(table)
    for name, figures in result.figures.items():
        _explain(console, known[name], figures)
    for name, why in result.failures.items():
        console.print(f"[red]{name} could not be measured[/]: {why}", highlight=False)


def said(figure: Figure) -> str:
    """The figure in a line."""
    bound = f", to be {figure.bound}: {figure.verdict}" if figure.bound else ""
    return f"{figure.name}: {amount(figure.estimate.median)}{_unit(figure)}{bound}"


def amount(value: float) -> str:
    """The number with three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _unit(figure: Figure) -> str:
    return figure.unit if figure.unit == RATIO else f" {figure.unit}"


def _cells(figure: Figure, changed: Change | None) -> tuple[str, ...]:
    told = figure.estimate
    verdict = f"[{COLOURS[figure.verdict]}]{figure.verdict}[/]" if figure.verdict else ""
    since = _since(changed) if changed else ""
    spread = f"{amount(told.low)} to {amount(told.high)}" if len(figure.values) > 1 else "once"
    return (f"  {figure.name}", amount(told.median) + _unit(figure), spread, str(figure.bound or ""), verdict, since)


def _since(changed: Change) -> str:
    share = "" if changed.word == "same" else f" {changed.share:+.0%}"
    return f"[{CHANGED[changed.word]}]{changed.word}{share}[/]"


def _explain(console: Console, benchmark: Benchmark, figures: Iterable[Figure]) -> None:
    for figure in figures:
        unproven = figure.verdict in {Verdict.MISSED, Verdict.NOISE}
        if not figure.note and not unproven:
            continue
        console.print(f"[bold]{benchmark.name}[/] {said(figure)}", highlight=False)
        if figure.note:
            console.print(f"  {figure.note}", style="dim", highlight=False)
        for part, value in figure.parts.items() if unproven else ():
            console.print(f"  {amount(value):>8} {part}", highlight=False)
