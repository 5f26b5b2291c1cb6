"""Bring the stack up with Pulumi, load the sample documents, answer a question through the gateway.

On a stack that is up, only what changed is touched. A stack that breaks a rule (`breakwater policy`), or whose change
there is no memory for (`breakwater plan`), is refused before that. Ends with the URLs, the status table and a token.
With --repair everything that differs from what is wanted (`breakwater drift`) is repaired as well, as far as that loses
nothing; what is left is told, and makes the exit status 1.
"""

import argparse
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra import workspace
from infra.commands import drift, plan, status
from infra.commands.ask import COLLECTION, QUESTION, AskError, Gateway, show_answer
from infra.drift.repair import repair, repair_ways
from infra.policy.rules import hold
from infra.stack_settings import stack_settings
from infra.targets.deployment import topology_of, wanted
from infra.targets.docker import offline, running

LOAD_S = 300.0  # seconds for the sample documents; they take about 15 on two cores


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where the stack's ports are, and where its images come from."""
    parser.add_argument("--offset", type=int, help="add this to every port (default: as the stack has it)")
    parser.add_argument("--repair", action="store_true", help="repair what `breakwater drift` tells")
    parser.add_argument("--offline", action="store_true", help="the docker target's images are those of the bundle")


def run(parsed: argparse.Namespace) -> int:
    """Deploy, load, ask; returns Pulumi's status if the deployment fails. Raises PolicyError and PlanError."""
    settings = stack_settings(parsed.stack, portOffset=None if parsed.offset is None else str(parsed.offset))
    manifest = wanted(settings)
    hold(manifest, topology_of(settings), settings)
    plan.of(manifest).allow()
    if parsed.offline and settings.target == "docker":
        print(f"images of the bundle: {len(offline.load(settings))} were new to the engine")
    with workspace.stack(parsed.stack, port_offset=parsed.offset):
        if parsed.repair:
            repair_ways(parsed.stack, print)
        failed = workspace.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs", "-s", parsed.stack)
        if failed:
            return failed
        if settings.target == "docker":
            running.remove_forgotten(settings)
        left = repair(parsed.stack, print) if parsed.repair else []
        outputs = workspace.outputs(parsed.stack)
    gateway = Gateway(outputs)
    load(gateway)
    show_answer(gateway, QUESTION)
    rows = status.of_stack(parsed.stack)
    status.show(rows)
    _show_next(gateway, outputs)
    if parsed.repair:
        drift.show(left, parsed.stack)
    return 0 if all(row.healthy for row in rows) and not left else 1


def load(gateway: Gateway, *, deadline_s: float = LOAD_S) -> None:
    """Wait, with progress, until every sample document has been dealt with; raises AskError if that takes too long."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + deadline_s
    with Progress(*columns) as progress:
        task = progress.add_task(f"documents of {COLLECTION!r}", total=None)
        while True:
            stats = gateway.call("GET", f"/api/v1/collections/{COLLECTION}/stats")
            done, total = stats["documents"], stats["files"]
            progress.update(task, completed=done, total=total)
            if total and done == total and not stats["open_jobs"]:
                break
            if time.monotonic() > deadline:
                raise AskError(
                    f"{done} of {total} documents are ingested after {deadline_s:g} s; see `make logs C=ingestion`"
                )
            time.sleep(0.5)
    if stats["failed"]:
        progress.console.print(
            f"[yellow]{stats['failed']} documents could not be read[/]; why is told by "
            f"{gateway.url}/api/v1/collections/{COLLECTION}/documents?status=failed"
        )


def _show_next(gateway: Gateway, outputs: dict[str, Any]) -> None:
    console = Console(highlight=False)
    ports = outputs["ports"]
    console.print(f"{'gateway':14}{gateway.url}/api/v1   (its admin: http://127.0.0.1:{ports['kong/admin']})")
    for name in ("toxiproxy", "prometheus", "alertmanager", "grafana"):
        if port := ports.get(f"{name}/http"):
            console.print(f"{name:14}http://127.0.0.1:{port}")
    if "grafanaPassword" in outputs["secrets"]:
        console.print("Grafana's admin has the password that `pulumi stack output secrets --show-secrets` prints.")
    console.print("\nA token for a day, and what to try with it:\n", markup=False)
    console.print(f"export TOKEN={gateway.token}", soft_wrap=True, markup=False)
    search = f"{gateway.url}/api/v1/rag/search?q=how+do+I+rotate+a+secret&limit=3"
    console.print(f"curl -H \"Authorization: Bearer $TOKEN\" '{search}'", soft_wrap=True, markup=False)
    console.print(
        f'curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" '
        f'-d \'{{"question": "{QUESTION}"}}\' {gateway.url}/api/v1/rag/query',
        soft_wrap=True,
        markup=False,
    )
