"""What a rollout shows in the terminal: a live panel; where there is none, a line for each thing that happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.pages.text import duration
from infra.rollout.deployment import weights_said
from infra.rollout.journal import Action, Conclusion, Entry, Look, Note
from infra.rollout.judgement import Verdict
from infra.rollout.state import Plan
from infra.rollout.words import NOTHING, entry_said, error_share, number, p95_said, traffics

STYLES = {Verdict.HEALTHY: "green", Verdict.UNHEALTHY: "bold red", Verdict.INCONCLUSIVE: "yellow"}


@contextmanager
def shown(plan: Plan, console: Console) -> Iterator[Note]:
    """What to call with each entry of the journal."""
    if not console.is_terminal:
        yield lambda entry: console.print(entry_said(entry), markup=False, highlight=False, soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False) as live:

        def note(entry: Entry) -> None:
            match entry:
                case Look():
                    live.update(panel(plan, entry), refresh=True)
                case Action(done=True):
                    live.console.print(Text(f"done: {entry.what}", style="dim"))
                case Action():
                    live.update(Text(f"{entry.what} …", style="dim"), refresh=True)
                case Conclusion():
                    live.console.print(Text(entry_said(entry), style="bold"))

        yield note


def panel(plan: Plan, look: Look) -> Group:
    """A look: the step with its weights and the time left, both releases, each trigger."""
    left = max(0.0, look.until_s - look.measured.seconds)
    place = f"step {look.step + 1} of {len(plan.steps)}, " if look.step >= 0 else ""
    head = Text.assemble(
        (f"{place}{look.name}", "bold"),
        f"  candidate gets {weights_said(look.weights)}  ",
        (f"{duration(left)} left", "cyan"),
        (f"  not measured: {look.problem}" if look.problem else "", "yellow"),
    )
    return Group(head, _releases(plan, look), _triggers(look))


def _releases(plan: Plan, look: Look) -> Table:
    table = Table("", "release", box=box.SIMPLE_HEAD)
    for title in ("requests", "errors", "p95"):
        table.add_column(title, justify="right")
    names = {"stable": plan.before.release, "candidate": plan.release}
    for role, traffic in traffics(look):
        share = error_share(traffic)
        requests = f"{traffic.requests:,}" if traffic else NOTHING
        table.add_row(role, names[role], requests, NOTHING if share is None else f"{share:.2%}", p95_said(traffic))
    return table


def _triggers(look: Look) -> Table:
    table = Table("trigger", "verdict", box=box.SIMPLE_HEAD)
    for title in ("value", "bound"):
        table.add_column(title, justify="right")
    table.add_column("why", overflow="fold")
    for each in look.judgements:
        verdict = Text(each.verdict, style=STYLES[each.verdict])
        table.add_row(each.trigger, verdict, number(each.value), number(each.bound), Text(each.said))
    return table
