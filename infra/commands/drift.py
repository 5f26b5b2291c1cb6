"""Compare a running stack with what is wanted of it: what differs, why, and what repairs it. Nothing is changed.

Looked at are the processes or containers with their commands, environments, files and ports; the gateway's
configuration in force; the proxies and their faults; models; Redis's settings; the vector cluster's collections and
replicas; and the database's schema, migrations and policies. What is seen is looked at twice, so that a stack under
load is told from one that has drifted. docs/drift.md lists every kind of drift.

  breakwater drift                    a table
  breakwater drift --json             the same as JSON
  breakwater up --repair              repair what can be repaired without losing anything, and tell the rest

Exits with 0 if nothing differs, 1 if something does, and 2 if the stack could not be looked at, with the reason.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra import workspace
from infra.drift.drift import Drift
from infra.drift.inspection import drift_of, inspected

WIDTH = 200  # columns, where it goes to a file or another program


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to show it."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(parsed: argparse.Namespace) -> int:
    """Look, and print what differs."""
    try:
        found = drift_of(inspected(parsed.stack))
    except workspace.WorkspaceError as error:
        print(f"breakwater: {error}", file=sys.stderr)
        return 2
    if parsed.json:
        print(json.dumps([as_json(drift) for drift in found], indent=2))
    else:
        show(found, parsed.stack)
    return 1 if found else 0


def as_json(drift: Drift) -> dict[str, object]:
    """All that is known of it."""
    return {**asdict(drift), "cause": drift.cause, "repair": drift.repair, "by": drift.by}


def show(found: Sequence[Drift], stack: str) -> None:
    """Print a line for each drift, and how to repair them all."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if not found:
        console.print(f"[green]stack {stack} is as it is to be[/]")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("component", "what", "wanted", "found", "cause", "repair"):
        table.add_column(title, overflow="fold")
    for drift in found:
        cells = (drift.component, f"{drift.kind} {drift.what}".strip(), drift.wanted, drift.found)
        table.add_row(*(Text(cell) for cell in (*cells, drift.cause, drift.repair)))
    console.print(table)
    console.print(how(found, stack), markup=False)


def how(found: Sequence[Drift], stack: str) -> str:
    """How to repair all of it."""
    by = {drift.by for drift in found}
    person = sum(drift.by == "person" for drift in found)
    left = f"{person} of {len(found)} a person must decide on; the table says how." if person else ""
    command = f"make up STACK={stack}{' REPAIR=1' if 'repair' in by else ''}"
    rest = f"To repair {'the rest' if person else 'all of it'}: {command}" if by != {"person"} else ""
    return " ".join(filter(None, (left, rest)))
