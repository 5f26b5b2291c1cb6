"""List the rollouts of a stack, or tell what happened in one: every action, look and decision.

  breakwater rollouts                                a table, the newest last
  breakwater rollouts 20260102T030405Z-canary        that one's journal in words

The journal itself, a page with charts and the engine's state lie in the folder that is named first.
"""

import argparse
import sys
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.pages.text import duration
from infra.rollout import journal, state
from infra.rollout.deployment import RolloutError
from infra.rollout.state import State, folder_of
from infra.rollout.words import brief, entry_said, outcome_said, releases_said, state_said

WIDTH = 200  # columns, where it goes to a file or another program


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout."""
    parser.add_argument("id", nargs="?", help="tell what happened in this one")


def run(parsed: argparse.Namespace) -> int:
    """Print the table, or one rollout."""
    found = state.rollouts(parsed.stack)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if not parsed.id:
        console.print(_table(found) if found else f"stack {parsed.stack} has had no rollout")
        return 0
    named = [each for each in found if each.plan.id == parsed.id]
    if not named:
        raise RolloutError(f"stack {parsed.stack} has no rollout {parsed.id}; `breakwater rollouts` lists them")
    _tell(named[0], console)
    return 0


def _table(found: list[State]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("id", no_wrap=True)
    for title in ("stack", "strategy", "releases", "outcome", "reason"):
        table.add_column(title, overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for each in found:
        plan = each.plan
        took = duration(max(0.0, each.changed_at - plan.began_at)) if each.ended else ""
        cells = (plan.id, plan.stack, plan.strategy, releases_said(plan), outcome_said(each), brief(each.reason), took)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _tell(found: State, console: Console) -> None:
    plan = found.plan
    began = datetime.fromtimestamp(plan.began_at, UTC)
    console.print(str(folder_of(plan)), style="dim", markup=False, soft_wrap=True)
    console.print(f"{plan.strategy} of {releases_said(plan)}, began {began:%Y-%m-%d %H:%M:%S} UTC", markup=False)
    for line in journal.read(folder_of(plan)):
        at = f"{line.at - plan.began_at:8.1f} s  "
        console.print(Text(at, style="dim") + Text(entry_said(line.entry)), soft_wrap=True)
    console.print(state_said(found), markup=False, soft_wrap=True)
