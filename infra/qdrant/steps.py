"""What the switches from many nodes to one and back have in common."""

import time
from collections.abc import Callable

from infra.qdrant.contents import PointId
from infra.qdrant.node import path_of
from infra.qdrant.view import View, Views

SETTLE_S = 10.0  # until all nodes know of a change; they tell each other within a second
PATIENT_S = 1.0  # until a wait is worth a word
POLL_S = 0.1

Say = Callable[[str], None]


class SwitchError(RuntimeError):
    """The cluster is not such that the switch is safe; the message says what to do first."""


def factors_for(nodes: int) -> tuple[int, int]:
    """Replication and write consistency factor of a cluster: everything everywhere, acknowledged by a majority."""
    return nodes, nodes // 2 + 1


def set_factors(view: View, name: str, factors: tuple[int, int], say: Say) -> None:
    """Have the collection's replication and write consistency factors be these, asking the view's node."""
    if view.collections[name].factors == factors:
        return
    params = dict(zip(("replication_factor", "write_consistency_factor"), factors, strict=True))
    view.node.ask("PATCH", path_of(name), {"params": params})
    say(f"{name}: replication factor {factors[0]}, write consistency factor {factors[1]}")


def settled(see: Callable[[], Views], trouble: Callable[[Views], str], say: Say) -> Views:
    """The views once there is no trouble with them; raises SwitchError with its words if there is for too long."""
    start, waiting = time.monotonic(), False
    while words := trouble(views := see()):
        waited_s = time.monotonic() - start
        if waited_s > SETTLE_S:
            raise SwitchError(words)
        if waited_s > PATIENT_S and not waiting:
            say(f"waiting for up to {SETTLE_S:g} s: {words}")
            waiting = True
        time.sleep(POLL_S)
    return views


def some(points: set[PointId]) -> str:
    """A few of the points, to look them up."""
    return ", ".join(map(str, sorted(points, key=str)[:3]))
