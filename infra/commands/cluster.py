"""Show the vector nodes, or switch them between three copies of everything and one, while the stack runs.

Without an action it shows what every node sees: the collections with their factors (on how many nodes a point is /
how many acknowledge a write), where the replicas are, and whether all nodes agree. Exits with 1 if they don't.
Whether the replicas also hold the same is told by `breakwater replicas`.

single     One node alone holds every collection and acknowledges writes. It must hold everything, which is checked
           point by point. The others pass requests on, so no search fails, and `replicate` takes everything back.
           With --leave the others leave the cluster as well: only then may they be stopped, because otherwise
           the one that is left cannot create a collection without them.
replicate  Every node holds every collection again, and two of three acknowledge a write. All nodes must run.

Both can be repeated at any time, also after having been killed, and go on where the cluster is.
"""

import argparse

from rich import box
from rich.console import Console
from rich.table import Table

from infra import workspace
from infra.qdrant.agreement import cluster_of, disagreements
from infra.qdrant.everywhere import to_all
from infra.qdrant.node import Node
from infra.qdrant.single import leave, to_single
from infra.qdrant.steps import SwitchError
from infra.qdrant.view import View, Views, look
from infra.topology import QDRANT_NODES

ACTIONS = ("show", "single", "replicate")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do to which nodes."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="show", metavar="ACTION")
    parser.add_argument("--keep", default=QDRANT_NODES[0], help="single: the node that stays (default: qdrant-0)")
    parser.add_argument("--leave", action="store_true", help="single: have the other nodes leave the cluster")
    parser.add_argument(
        "--url",
        action="append",
        metavar="URL",
        help="a node's address, for a cluster that is not the stack's; once for each node, qdrant-0 first",
    )


def run(parsed: argparse.Namespace) -> int:
    """Show or switch; returns 1 where the nodes do not agree."""
    nodes = _given(parsed.url) if parsed.url else _of_stack(parsed.stack)
    console = Console(highlight=False)
    if parsed.action == "single":
        _to_single(nodes, parsed.keep, leaves=parsed.leave, console=console)
    if parsed.action == "replicate":
        to_all(nodes, console.print)
    return _show(look(nodes), console)


def _given(urls: list[str]) -> list[Node]:
    return [Node(f"qdrant-{number}", url.rstrip("/")) for number, url in enumerate(urls)]


def _of_stack(stack: str) -> list[Node]:
    ports = workspace.outputs(stack)["ports"]
    return [Node(name, f"http://127.0.0.1:{ports[key]}") for name in QDRANT_NODES if (key := f"{name}/http") in ports]


def _to_single(nodes: list[Node], keep: str, *, leaves: bool, console: Console) -> None:
    if keep not in (names := [node.name for node in nodes]):
        raise SwitchError(f"there is no node {keep!r} to keep; there are {', '.join(names)}")
    to_single(nodes, keep, console.print)
    if leaves:
        leave(nodes, keep, console.print)


def _show(views: Views, console: Console) -> int:
    if not views.seen:
        raise SwitchError(f"no node answers: {'; '.join(views.silent.values())}")
    cluster = cluster_of(views)
    for view in views.seen:
        standing = "member" if view.peer in cluster.members else "outside of the cluster"
        console.print(f"{view.node.name}  {view.node.url}  peer {view.peer}  {standing}")
    for name in views.silent:
        console.print(f"{name}  [red]does not answer[/]")
    console.print(_table(views, cluster))
    trouble = list(disagreements(views))
    for said in trouble:
        console.print(f"[red]{said}[/]")
    if not trouble:
        console.print("[green]all nodes agree[/]")
    return 1 if trouble else 0


def _table(views: Views, cluster: View) -> Table:
    table = Table("collection", "factors", *(view.node.name for view in views.seen), box=box.SIMPLE_HEAD)
    for name, collection in cluster.collections.items():
        cells = [_cell(view, cluster, name) for view in views.seen]
        table.add_row(name, "/".join(map(str, collection.factors)), *cells)
    return table


def _cell(view: View, cluster: View, name: str) -> str:
    """The node's replica: its state as the cluster sees it, and its points."""
    states = {states.get(view.peer) for states in cluster.collections[name].states.values()} - {None}
    if not states:
        return "passes on" if view.peer in cluster.members else ""
    points = view.collections[name].points if name in view.collections else 0
    return f"{', '.join(sorted(map(str, states)))} {points:,}"
