"""The before/after report: the stack without cache, breakers and cluster against the stack with them.

Brings up the two stacks one after the other, which differ in settings only, asks both the same, has both meet the same
faults, and writes docs/proposals/before-after.md with its charts and the record of every request.

  make report             about six minutes on two cores; leave the machine alone meanwhile
  make report QUICK=1     fewer requests and faults, for trying; written to reports/before-after
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine
from benchmarks.before_after import record
from benchmarks.before_after.figures import contradictions
from benchmarks.before_after.measure import NotWellError, measure
from benchmarks.before_after.page import write
from benchmarks.before_after.record import Measured, Plan, Report
from benchmarks.before_after.schedule import STACKS, plan
from chaos.stack import Stack, StackError
from chaos.toxiproxy import ToxiproxyError
from chaos.watchdog import watching
from infra import own_stack
from infra.commands import status
from infra.settings import PROJECT_ROOT
from infra.workspace import WorkspaceError

PROPOSALS = PROJECT_ROOT / "docs" / "proposals"
TRIED = PROJECT_ROOT / "reports" / "before-after"  # what a quick run finds does not replace the report
SEED = 5  # the same each time, so that two reports differ by the machine and the code alone
LOOK_S = 3.0  # at what else the machine does, before a stack is brought up


def run(seed: int, console: Console, *, quick: bool) -> Report:
    """Measure both stacks; each is gone afterwards, however this ends."""
    began, planned = datetime.now(UTC), plan(seed, quick=quick)
    before, after = (_measured(name, planned, console) for name in STACKS)
    return Report(began, machine.describe(), _commit(), quick, planned, before, after)


def _measured(name: str, planned: Plan, console: Console) -> Measured:
    console.rule(f"[bold]{name}")
    own_stack.take_down(name)  # should there be one, it would not start from nothing
    busy, began = psutil.cpu_percent(LOOK_S) / 100, time.monotonic()
    with own_stack.standing(name, STACKS[name]):
        start_s = time.monotonic() - began
        stack = Stack.of(name)
        memory = {row.component: row.memory_mb for row in status.read(stack.paths) if row.memory_mb}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with watching(stack), Progress(*columns, console=console) as shown:
            found = asyncio.run(measure(stack, planned, _progress(shown, name)))
        found.trouble += contradictions(STACKS[name], found)
        return Measured(STACKS[name], status.implementations(stack.paths), busy, start_s, memory, found)


def _progress(shown: Progress, stack: str) -> Callable[[str, int], Callable[[], None]]:
    def begin(phase: str, requests: int) -> Callable[[], None]:
        task = shown.add_task(f"{stack}, {phase}", total=requests)
        return lambda: shown.advance(task)

    return begin


def _commit() -> str:
    """The commit that is checked out, and whether files differ from it; "unknown" outside of a repository."""
    asked = (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    answers = [
        subprocess.run(["git", *words], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        for words in asked
    ]
    if any(answer.returncode for answer in answers):
        return "unknown"
    commit, changes = (answer.stdout.strip() for answer in answers)
    return f"{commit} with changes" if changes else commit


def main() -> int:
    """Do what the command line says; 1 where a fault was not in force or not healed, 2 where a stack was not well."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.before_after",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer requests and faults")
    parser.add_argument("--seed", type=int, default=SEED, help="of requests and faults (default: %(default)s)")
    parser.add_argument(
        "--from", dest="record", type=Path, metavar="FILE", help="measure nothing: a record's page anew"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="for page, charts and record")
    parsed = parser.parse_args()
    console = Console()
    try:
        report = record.load(parsed.record) if parsed.record else run(parsed.seed, console, quick=parsed.quick)
    except (own_stack.OwnStackError, WorkspaceError, StackError, ToxiproxyError, NotWellError) as error:
        sys.stderr.write(f"before/after: {error}\n")
        return 2
    for path in write(report, parsed.to or (TRIED if report.quick else PROPOSALS)):
        console.print(path, highlight=False, soft_wrap=True)
    trouble = [*report.before.found.trouble, *report.after.found.trouble]
    for line in trouble:
        console.print(line, style="red", markup=False, highlight=False)
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main())
