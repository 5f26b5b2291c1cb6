"""Does a running stack do what it has to, whatever it runs on?

  python -m conformance --stack local         ask Pulumi for the stack's outputs, and check it
  python -m conformance --outputs FILE        take them from a file: pulumi stack output --json --show-secrets > FILE
  python -m conformance --only limits         the checks that have this in their group's name or theirs
  python -m conformance --list                the checks that there are for the stack; nothing is asked

The checks know of the stack what its outputs say, and nothing else: routes, tokens, limits, ports, health, answers, the
vector nodes. They make a collection called `conformance` of documents that the stack has, restart every component that
keeps data to see that it keeps them, and remove the collection again. They use up one consumer's requests of a minute
where the limit is low enough. Callers may notice the restarts; --only with another group spares them.

The record (conformance.json, junit.xml) goes to reports/conformance. `make conformance STACK=name` calls this.

exit codes: 0 everything is ok or not applicable, 1 something failed, 2 it could not be checked
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from conformance.check import ConformanceError
from conformance.checks import GROUPS
from conformance.report import save
from conformance.run import Result, Verdict, chosen, run
from conformance.sample import Sample
from conformance.stack import Stack
from infra import workspace
from infra.pages.text import printable
from infra.settings import PROJECT_ROOT

REPORTS = PROJECT_ROOT / "reports" / "conformance"
COLOURS: dict[Verdict, str] = {"ok": "green", "FAILED": "red", "not applicable": "yellow"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a stack; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="conformance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stack", default="local", help="the Pulumi stack (default: local)")
    which.add_argument("--outputs", type=Path, help="a file with a stack's outputs as JSON, secrets in clear")
    parser.add_argument("--only", default="", metavar="TEXT", help="the checks that have this in their name")
    parser.add_argument("--list", action="store_true", help="print the checks instead of making them")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="the folder for the record")
    parsed = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        stack = _stack(parsed, console)
        return _show_list(stack, parsed.only, console) if parsed.list else _check(stack, parsed, console)
    except (ConformanceError, workspace.WorkspaceError) as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 2
    except KeyboardInterrupt:  # what the checks made is removed by now
        return 130


def _stack(parsed: argparse.Namespace, console: Console) -> Stack:
    def say(text: str) -> None:
        console.print(f"  [dim]… {escape(printable(text))}[/]")

    if not parsed.outputs:
        return Stack(workspace.outputs(parsed.stack), name=parsed.stack, say=say)
    try:
        return Stack(json.loads(parsed.outputs.read_text()), say=say)
    except (OSError, ValueError) as error:
        raise ConformanceError(f"{parsed.outputs} has no outputs as JSON: {error}") from None


def _show_list(stack: Stack, only: str, console: Console) -> int:
    for group, check in chosen(stack, Sample(stack), GROUPS, only):
        console.print(f"[bold]{group}[/]: {escape(check.name)}")
    return 0


def _check(stack: Stack, parsed: argparse.Namespace, console: Console) -> int:
    began, group = datetime.now(UTC), ""

    def tell(result: Result) -> None:
        nonlocal group
        if result.group != group:
            group = result.group
            console.print(f"[bold]{group}[/]")
        reason = f": {escape(printable(result.reason))}" if result.reason else ""
        console.print(f"  [{COLOURS[result.verdict]}]{result.verdict:14}[/] {escape(result.name)}{reason}")

    console.print(f"{stack.manifest.stack} on {stack.manifest.target}, {stack.gateway}")
    results = run(stack, tell, groups=GROUPS, only=parsed.only)
    if not results:
        raise ConformanceError(f"no check has {parsed.only!r} in its name")
    folder = parsed.reports / f"{began:%Y%m%d-%H%M%S}-{stack.manifest.stack}"
    save(folder, stack, began, results)
    counts = Counter(result.verdict for result in results)
    seconds = sum(result.seconds for result in results)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in COLOURS)
    console.print(f"\n{told}, in {seconds:.0f} s; the record is in {folder}")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
