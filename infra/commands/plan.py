"""Tell what `up` would do to a stack: what restarts, in which order, with what downtime and extra memory.

Compares what the stack is to consist of with its last deployment. What has died since, or was changed by hand, is
no part of it. `up` refuses what is refused here, before it touches anything.
Exits with 0 if it may be done, 1 with the reason if not. docs/plan.md tells what the words mean.
"""

import argparse
import json

from rich import box
from rich.console import Console
from rich.table import Table

from infra import workspace
from infra.manifest import Manifest
from infra.plan.steps import Plan, plan
from infra.stack_settings import stack_settings
from infra.targets.deployment import wanted
from infra.targets.local.resources import TOOK
from infra.targets.running import deployed


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to show it."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(parsed: argparse.Namespace) -> int:
    """Print the plan; touches nothing."""
    planned = of(wanted(stack_settings(parsed.stack)))
    if parsed.json:
        print(json.dumps(planned.to_json(), indent=2))
    else:
        show(planned)
    return 1 if planned.refusals else 0


def of(after: Manifest) -> Plan:
    """The plan from the last deployment of the stack to this one."""
    state = workspace.resources(after.stack) if workspace.exists(after.stack) else {}
    took = {name: float(outputs[TOOK]) for (_, name), outputs in state.items() if outputs.get(TOOK)}
    return plan(deployed(state), after, took)


def show(planned: Plan) -> None:
    """A row for each step, what is to be known beside, and the total."""
    console = Console(highlight=False)
    if planned.steps:
        table = Table("", "component", "what happens", "why", "down", "what users notice", box=box.SIMPLE_HEAD)
        for number, step in enumerate(planned.steps, 1):
            table.add_row(str(number), step.component, step.says, "\n".join(step.why), step.downtime, step.notice)
        console.print(table)
    for note in planned.notes:
        console.print(note, style="yellow", markup=False)
    for refusal in planned.refusals:
        console.print(f"refused: {refusal}", style="red", markup=False, soft_wrap=True)
    console.print(f"{planned.stack}: {planned.total}", markup=False, soft_wrap=True)
