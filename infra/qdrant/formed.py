"""Wait until a Qdrant cluster is formed: every member answers, and all of them say the same about it.

Goes by what the nodes see rather than by their /readyz, which stays 200 once it was: the same leader and members,
nothing left to agree on, every replica Active. A node that does not answer is missed only if it is a member, so that
the same words hold for a cluster that is still growing.

  python -m infra.qdrant.formed --members 3 --factors 3 2 qdrant-0=http://127.0.0.1:6333 qdrant-1=... qdrant-2=...

Exits with 0 once it holds, with 1 and what is wrong if that takes too long.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.qdrant.agreement import cluster_of, disagreements
from infra.qdrant.node import Node, NodeError
from infra.qdrant.view import LOOK_S, Views, look

DEADLINE_S = 60.0
POLL_S = 0.5
Factors = tuple[int, int]


@dataclass(frozen=True)
class Expected:
    """What a cluster has to be like: at least so many members, no more of them away, and its collections' factors."""

    members: int = 1
    absent: int = 0
    factors: Factors | None = None  # None: whatever they are


@dataclass(frozen=True)
class Consensus:
    """What a node says of how its cluster agrees."""

    leader: int | None
    pending: int  # changes that are agreed on and not done yet
    thread: str  # "working", or how it ended


def main() -> None:
    """Wait, and say what is waited for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1, help="how many it has at least (default: 1)")
    parser.add_argument("--absent", type=int, default=0, help="how many members may be away (default: 0)")
    parser.add_argument(
        "--factors",
        type=int,
        nargs=2,
        metavar=("N", "W"),
        help="every collection's replication and write consistency factor (default: whatever they are)",
    )
    parser.add_argument("--seconds", type=float, default=DEADLINE_S, help=f"how long to wait (default: {DEADLINE_S:g})")
    parser.add_argument("node", nargs="+", type=_node, help="NAME=URL of every node that may be a member")
    arguments = parser.parse_args()
    factors = (arguments.factors[0], arguments.factors[1]) if arguments.factors else None
    expected = Expected(arguments.members, arguments.absent, factors)
    wrong = wait(arguments.node, expected, arguments.seconds)
    if wrong:
        sys.exit(f"the cluster is not formed after {arguments.seconds:g} s:\n" + "\n".join(f"  {one}" for one in wrong))
    print(f"the cluster of {', '.join(node.name for node in arguments.node)} is formed")


def wait(
    nodes: Sequence[Node],
    expected: Expected,
    seconds: float,
    *,
    say: Callable[[str], None] = lambda said: print(said, flush=True),
) -> list[str]:
    """What is still wrong with the cluster after so many seconds; empty as soon as nothing is."""
    deadline = time.monotonic() + seconds
    said: list[str] = []
    while wrong := list(problems(nodes, expected)):
        if time.monotonic() > deadline:
            return wrong
        if wrong != said:
            say(f"waiting: {'; '.join(wrong)}")
        said = wrong
        time.sleep(POLL_S)
    return []


def problems(nodes: Sequence[Node], expected: Expected) -> Iterator[str]:
    """What is wrong with the cluster now, in words."""
    views = look(nodes)
    if not views.seen:
        yield from views.silent.values()
        return
    cluster = cluster_of(views)
    if len(cluster.members) < expected.members:
        yield f"the cluster has {len(cluster.members)} members of {expected.members}"
        yield from views.silent.values()
    yield from disagreements(views, absent=expected.absent)
    yield from _consensus(views.within(cluster.members))
    for name, collection in cluster.collections.items():
        if expected.factors and collection.factors != expected.factors:
            found, wanted = ("/".join(map(str, one)) for one in (collection.factors, expected.factors))
            yield (
                f"{name}: the replication and write consistency factors are {found}, not {wanted}; "
                "`breakwater cluster replicate` sets them"
            )


def _consensus(views: Views) -> Iterator[str]:
    nodes = [view.node for view in views.seen]
    with ThreadPoolExecutor(len(nodes)) as pool:
        answers = dict(zip((node.name for node in nodes), pool.map(_ask, nodes), strict=True))
    leaders: dict[int | None, list[str]] = {}
    for name, answer in answers.items():
        if isinstance(answer, str):
            yield answer
            continue
        leaders.setdefault(answer.leader, []).append(name)
        if answer.thread != "working":
            yield f"{name}: its consensus has stopped: {answer.thread}"
        if answer.pending:
            yield f"{name} has {answer.pending} changes to do still"
    if None in leaders or 0 in leaders:
        yield f"{', '.join(leaders.get(None, []) + leaders.get(0, []))}: no leader is known"
    elif len(leaders) > 1:
        yield "the nodes follow different leaders: " + "; ".join(
            f"{', '.join(names)} peer {leader}" for leader, names in leaders.items()
        )


def _ask(node: Node) -> Consensus | str:
    try:
        cluster = node.ask("GET", "/cluster", timeout_s=LOOK_S)
    except NodeError as error:
        return str(error)
    raft, thread = cluster["raft_info"], cluster["consensus_thread_status"]
    state = thread["consensus_thread_status"]
    ended = thread.get("err", "") if state != "working" else ""
    return Consensus(raft["leader"], raft["pending_operations"], f"{state} {ended}".strip())


def _node(given: str) -> Node:
    name, separator, url = given.partition("=")
    if not separator or not url.startswith("http"):
        raise argparse.ArgumentTypeError(f"{given!r} is not NAME=URL, such as qdrant-0=http://127.0.0.1:6333")
    return Node(name, url.rstrip("/"))


if __name__ == "__main__":
    main()
