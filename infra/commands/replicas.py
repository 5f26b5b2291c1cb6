"""Compare what the vector nodes hold of each collection, point by point; with --repair make it equal again.

The collections service of the running stack reads every node's own replica and compares vectors and payloads. A write
that is under way is no difference: what differs is looked at twice. Content that two of the three nodes hold is right,
since every acknowledged write is on two of them.

  breakwater replicas                       every collection
  breakwater replicas docs --repair         write what two nodes hold, delete what only one holds, compare again
  breakwater replicas docs --wait 30        wait until the replicas are equal, 30 seconds at most

Exits with 0 if all replicas are equal, 1 if points differ, and 2 if not all could be compared, with the reason.
docs/replicas.md tells where differences come from, and what a repair may meet.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rich import box
from rich.console import Console
from rich.table import Table

from infra import workspace
from infra.targets.local.health import HOST
from services.common.service_secret import HEADER

TIMEOUT_S = 600.0
EXITS = {True: 0, False: 1, None: 2}
VERDICTS = {True: "equal", False: "different", None: "not compared"}


class UnansweredError(RuntimeError):
    """The collections service does not answer as hoped; the message has its words."""


class Service:
    """The collections service at its own port: a fault on the way of others is none on this one."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        """From a stack's outputs."""
        self.url = f"http://{HOST}:{outputs['ports']['collections/http']}"
        self.token = str(outputs["secrets"]["interServiceSecret"])

    def call(self, method: str, path: str) -> Any:
        """The JSON that it answers; raises UnansweredError with the status and its text otherwise."""
        request = urllib.request.Request(self.url + path, headers={HEADER: self.token}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise UnansweredError(f"status {error.code}: {error.read().decode(errors='replace')}") from None
        except (OSError, ValueError) as error:
            raise UnansweredError(f"the collections service does not answer: {error}; see `make status`") from None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which collection, and what to do about it."""
    parser.add_argument("collection", nargs="?", help="its name (default: every collection)")
    parser.add_argument("--repair", action="store_true", help="make the replicas equal, and compare again")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="for equal replicas, so long at most")
    parser.add_argument("--json", action="store_true", help="print what the service answered")


def run(parsed: argparse.Namespace) -> int:
    """Compare (and repair) and print."""
    outputs = workspace.outputs(parsed.stack)
    if "ports" not in outputs:
        raise workspace.WorkspaceError(f"stack {parsed.stack} is not up; `make up` starts it")
    try:
        answers = ask(Service(outputs), parsed)
    except UnansweredError as error:
        print(f"breakwater: {error}", file=sys.stderr)
        return EXITS[None]
    if parsed.json:
        print(json.dumps(answers, indent=2))
    else:
        show(answers)
    return verdict(answers)


def ask(service: Service, parsed: argparse.Namespace) -> list[dict[str, Any]]:
    """What the service answers for each collection: a report, or that of a repair."""
    if parsed.collection:
        names = [parsed.collection]
    else:
        listed = service.call("GET", "/internal/replicas")["collections"]
        if not (parsed.repair or parsed.wait):
            return list(listed)
        names = [report["collection"] for report in listed]
    return [service.call(*_request(quote(name, safe=""), parsed)) for name in names]


def _request(name: str, parsed: argparse.Namespace) -> tuple[str, str]:
    if parsed.repair:
        return "POST", f"/internal/replicas/{name}/repair"
    return "GET", f"/internal/replicas/{name}?wait_s={parsed.wait:g}"


def verdict(answers: Sequence[dict[str, Any]]) -> int:
    """The exit status: a difference anywhere outweighs what could not be compared."""
    said = {answer["consistent"] for answer in answers}
    return next((EXITS[verdict] for verdict in (False, None) if verdict in said), 0)


def show(answers: Sequence[dict[str, Any]]) -> None:
    """Print a table of the replicas, and below it what differs and what a repair did."""
    console = Console(highlight=False)
    reports = [answer.get("after", answer) for answer in answers]
    columns = ("collection", "node", "state", "points", "missing", "extra", "different")
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for report in reports:
        for replica in report["replicas"]:
            table.add_row(report["collection"], *(str(replica[column]) for column in columns[1:]))
    console.print(table)
    for answer, report in zip(answers, reports, strict=True):
        if "after" in answer:
            counts = (f"{answer[did]} {did}" for did in ("written", "deleted", "changed", "failed"))
            console.print(f"{report['collection']}: repaired: {', '.join(counts)}", markup=False)
        for line in (f"{report['collection']}: {VERDICTS[report['consistent']]}", *_details(answer, report)):
            console.print(line, markup=False)


def _details(answer: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """Why not all were compared or repaired, which points differ, and which documents to index again."""
    lines = [f"  {problem}" for problem in {answer["problem"], report["problem"]} if problem]
    for difference in report["differences"]:
        faults = ", ".join(f"{fault} at {node}" for node, fault in difference["faults"].items())
        lines.append(f"  {difference['id']} of {difference['path'] or 'no document'}: {faults}")
    if hidden := report["differing"] - len(report["differences"]):
        lines.append(f"  and {hidden} more")
    if documents := report["undecided_documents"]:
        lines.append(f"  no two nodes agree; index again: {', '.join(documents)}")
    return lines
