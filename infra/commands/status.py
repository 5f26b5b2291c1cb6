"""Show for every component what runs, whether it is healthy, its memory and restarts.

A stand-in says so, and below the table where it differs from the real thing.
Exits with 0 if every component is healthy, 1 otherwise.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from infra import workspace
from infra.row import Row
from infra.stack_settings import stack_settings
from infra.targets.docker import running
from infra.targets.local import health, supervisor
from infra.targets.local.launch import STARTS
from infra.targets.local.memory import MIB, proportional
from infra.targets.local.paths import StackPaths


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to show it."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(parsed: argparse.Namespace) -> int:
    """Print the status of the stack."""
    rows = of_stack(parsed.stack)
    if not rows:
        raise workspace.WorkspaceError(f"stack {parsed.stack} is not up; `make up` starts it")
    if parsed.json:
        print(json.dumps([vars(row) for row in rows], indent=2))
    else:
        show(rows)
    return 0 if all(row.healthy for row in rows) else 1


def of_stack(stack: str) -> list[Row]:
    """Look at every component of a stack, wherever it runs."""
    settings = stack_settings(stack)
    return running.read(stack, settings.docker_host) if settings.target == "docker" else read(StackPaths.of(stack))


def read(paths: StackPaths) -> list[Row]:
    """Look at every component of a stack of this machine, as the last deployment left it."""
    states = supervisor.states(paths)
    specifications = sorted((paths.root / "run").glob("*/program.json"))
    return [_row(path, states) for path in specifications]


def unhealthy(paths: StackPaths) -> list[str]:
    """The components of a stack that are not healthy now, with the reason."""
    return [f"{row.component} is {row.state}" for row in read(paths) if not row.healthy]


def implementations(paths: StackPaths) -> dict[str, str]:
    """What runs for each component of a stack, and whether it is a stand-in."""
    return {
        row.component: f"{row.implementation} {row.version}" + (" (stand-in)" if row.kind == "stand-in" else "")
        for row in read(paths)
    }


def _row(specification: Path, states: dict[str, dict[str, Any]]) -> Row:
    program = json.loads(specification.read_text())
    name, check, implementation = program["component"], program["health"], program["implementation"]
    state = states.get(name, {})
    if check["kind"] == "completed":
        said, healthy = "done", True
    else:
        trouble = health.problem(check["kind"], int(check["port"]), check["path"])
        said = "healthy" if trouble is None else f"{state.get('statename', 'STOPPED').lower()}: {trouble}"
        healthy = trouble is None
    starts = specification.parent / STARTS
    return Row(
        component=name,
        kind=implementation["kind"],
        implementation=implementation["name"],
        version=implementation["version"],
        port=check["port"] if check["port"] != "0" else "",
        state=said,
        healthy=healthy,
        memory_mb=_memory_mb(int(state.get("pid", 0))),
        restarts=max(0, len(starts.read_text().splitlines()) - 1) if starts.exists() else 0,
        difference=implementation["difference"],
    )


def _memory_mb(pid: int) -> int:
    """Resident memory of a process and its children, in MiB; memory they share is counted once where known."""
    if not pid:
        return 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return round(sum(map(proportional, family)) / MIB)
    except psutil.NoSuchProcess:
        return 0


def show(rows: list[Row]) -> None:
    """Print the rows as a table, the stand-ins' differences below it."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("component", "runs", "version", "port", "state"):
        table.add_column(title, overflow="fold")
    for title in ("MiB", "restarts"):
        table.add_column(title, justify="right")
    for row in rows:
        colour = "green" if row.healthy else "red"
        stand_in = " [yellow](stand-in)[/]" if row.kind == "stand-in" else ""
        memory = str(row.memory_mb) if row.memory_mb else ""
        table.add_row(
            row.component,
            f"{row.implementation}{stand_in}",
            row.version,
            row.port,
            f"[{colour}]{row.state}[/]",
            memory,
            str(row.restarts),
        )
    console.print(table)
    for difference in dict.fromkeys((row.implementation, row.difference) for row in rows if row.difference):
        console.print(f"[yellow]{difference[0]}[/]: {difference[1]}", highlight=False)
    if all(row.kind == "container" for row in rows):
        return
    console.print(
        "Limits of memory and CPU are not enforced on processes; prometheus, alertmanager and grafana are not run.",
        style="dim",
        highlight=False,
    )
