"""A run in a terminal: a line per experiment, and below what kept any from passing."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.record import Finding, Verdict
from chaos.scorecard.summary import Summary
from infra.pages.text import duration, plural, printable

COLOURS = {Verdict.PASSED: "green", Verdict.UNKNOWN: "yellow", Verdict.FAILED: "bold red"}


def show(summary: Summary, console: Console) -> None:
    """Print the run."""
    console.print(_table(summary))
    for experiment in summary.experiments:
        wrong = experiment.reasons
        if experiment.clean_up.verdict is not Verdict.PASSED:
            wrong = [*wrong, experiment.clean_up]
        if wrong:
            console.print(plain(experiment.name), style="bold")
        for finding in wrong:
            console.print(_reason(finding))
    console.print(_totals(summary))


def _table(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("experiment", "verdict", "clean-up"):
        table.add_column(title, overflow="fold")
    for title in ("time", "requests", "crossed"):
        table.add_column(title, justify="right", no_wrap=True)
    for experiment in summary.experiments:
        whole = experiment.phases.get("all")
        table.add_row(
            plain(experiment.name),
            coloured(experiment.verdict),
            coloured(experiment.clean_up.verdict),
            duration(experiment.seconds),
            f"{whole.requests:,}" if whole else "",
            "" if experiment.crossed is None else f"{experiment.crossed:,}",
        )
    return table


def _reason(finding: Finding) -> Text:
    return Text.assemble("  ", coloured(finding.verdict), " ", plain(f"{finding.check}: {finding.said}"))


def _totals(summary: Summary) -> Text:
    totals = summary.totals
    counts = [plural(totals.experiments, "experiment")]
    counts += [f"{count} {verdict}" for verdict, count in totals.verdicts.items() if count]
    if totals.clean_ups_failed:
        counts.append(plural(totals.clean_ups_failed, "clean-up") + " failed")
    said = f"{', '.join(counts)}; {plural(totals.requests, 'request')} in {duration(totals.seconds)}"
    return Text(said, style=COLOURS[summary.verdict])


def coloured(verdict: Verdict) -> Text:
    """The verdict in its colour."""
    return Text(verdict, style=COLOURS[verdict])


def plain(text: str) -> Text:
    """Text from a record: never read as markup, never obeyed by the terminal."""
    return Text(printable(text))
