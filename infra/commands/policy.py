"""Hold what a stack is to consist of to the rules: budget, limits, images, isolation, secrets, ports, replication.

`up` does the same before it touches anything. Rules about containers do not concern the local target's processes.
Exits with 0 if every rule is kept, 1 with each violation and its repair otherwise. docs/policy.md tells the rules.
"""

import argparse
import json

from rich import box
from rich.console import Console
from rich.table import Table

from infra.policy.rule import Case, Violation
from infra.policy.rules import RULES, violations
from infra.stack_settings import stack_settings
from infra.targets.deployment import topology_of, wanted


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to show it."""
    parser.add_argument("--json", action="store_true", help="print the violations as JSON instead of a table")


def run(parsed: argparse.Namespace) -> int:
    """Judge the stack as its settings have it; it need not be up."""
    settings = stack_settings(parsed.stack)
    case = Case(wanted(settings), topology_of(settings), settings)
    found = violations(case.manifest, case.topology, case.settings)
    if parsed.json:
        print(json.dumps([vars(one) for one in found], indent=2))
    else:
        show(case, found)
    return 1 if found else 0


def show(case: Case, found: list[Violation]) -> None:
    """Every rule with what breaks it, and how that is repaired."""
    console, table = Console(highlight=False), Table("rule", "what holds", "", box=box.SIMPLE_HEAD)
    for rule in RULES:
        broken = [one for one in found if one.rule == rule.name]
        if not rule.concerns(case):
            table.add_row(rule.name, rule.says, "[dim]not about processes[/]", style="dim")
        elif not broken:
            table.add_row(rule.name, rule.says, "[green]kept[/]")
        for one in broken:
            table.add_row(rule.name, rule.says, f"[red]broken by {one.component or 'the stack as a whole'}[/]")
    console.print(table)
    for one in found:
        console.print(f"{one}.", style="red", markup=False, soft_wrap=True)
    if not found:
        console.print(f"{case.manifest.stack} keeps all rules")
