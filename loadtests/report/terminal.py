"""A load in the terminal: a line for each stage, and below what kept it from passing."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chaos.record import Verdict
from chaos.scorecard.measures import QUANTILES
from chaos.scorecard.terminal import COLOURS, plain
from infra.pages.text import duration, plural
from loadtests import knee
from loadtests.report.words import WORDS
from loadtests.summary import Summary
from loadtests.usage import GENERATOR


def show(summary: Summary, console: Console) -> None:
    """Print the load."""
    console.print(_stages(summary))
    for finding in summary.findings:
        if finding.verdict is not Verdict.PASSED:
            console.print(Text.assemble("  ", _word(finding.verdict), plain(f" {finding.check}: {finding.said}")))
    for problem in summary.problems:
        console.print(plain(f"  {plural(problem.count, 'answer')} to {problem.operation}: {problem.why}"))
    if summary.knee:
        console.print(f"knee: {knee.said(summary.knee)}", highlight=False)
    console.print(_components(summary), highlight=False)
    console.print(_word(summary.verdict))


def _stages(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("stage", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for title in ("achieved", "errors", *QUANTILES, "generator"):
        table.add_column(title, justify="right", no_wrap=True)
    for stage in summary.stages:
        now = stage.measured
        table.add_row(
            stage.stage.name,
            _word(stage.verdict),
            f"{now.achieved:,.0f} of {now.intended:,.0f}/s",
            f"{now.whole.wrong:,}",
            *(duration(now.whole.quantiles[name]) if now.whole.requests else "" for name in QUANTILES),
            f"{now.generator_cpu:.0%}",
        )
    return table


def _components(summary: Summary) -> str:
    busiest = sorted(summary.components, key=lambda each: -each.cores)[:4]
    named = [f"{each.name} {each.cores:.2f}" for each in busiest if each.name != GENERATOR]
    own = [f"the generator {each.cores:.2f}" for each in summary.components if each.name == GENERATOR]
    return f"cores used of {summary.run.cores}: {', '.join(own + named)}"


def _word(verdict: Verdict) -> Text:
    return Text(WORDS[verdict], style=COLOURS[verdict])
