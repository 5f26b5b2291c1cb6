"""A schedule: which faults are in force from when to when, as data; and which schedules are sound."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from chaos.faults import Fault, Kill, Restart, from_json
from infra.topology import PEERS, QDRANT_NODES

MOST = 5  # faults of a schedule
GAP_S = 1.0  # between two faults of one target: what was killed has a process again by then
KILLS = frozenset({Kill.kind, Restart.kind})
MOST_KILLED = 2  # vector nodes at once


@dataclass(frozen=True)
class Interval:
    """A fault (as `chaos.faults.to_json` says it) with its time, in seconds since the schedule began."""

    fault: Mapping[str, Any]
    start: float
    end: float

    @cached_property
    def made(self) -> Fault:
        """The fault itself; raises what `chaos.faults.from_json` does."""
        return from_json(self.fault)

    @property
    def target(self) -> str:
        """The edge or component that the fault is done to."""
        return self.made.target

    @property
    def node(self) -> str | None:
        """The vector node that the fault separates from its peers, or slows for them."""
        node = self.target.removeprefix(f"{PEERS}->")
        return node if node in QDRANT_NODES else None

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s {self.made.describe()}"


@dataclass(frozen=True)
class Schedule:
    """Intervals in the order of their starts."""

    intervals: tuple[Interval, ...]

    @property
    def ends(self) -> float:
        """When the last fault is over."""
        return max(interval.end for interval in self.intervals)

    def __str__(self) -> str:
        return "; ".join(map(str, self.intervals))


def problems(schedule: Schedule) -> Iterator[str]:
    """Why the stack need not keep its promises under the schedule; nothing for a sound one."""
    if not 1 <= len(schedule.intervals) <= MOST:
        yield f"{len(schedule.intervals)} faults, and 1 to {MOST} may be"
    for interval in schedule.intervals:
        if not 0 <= interval.start < interval.end:
            yield f"{interval} has no time"
    for one, other in combinations(schedule.intervals, 2):
        if one.target == other.target and _meet(one, other, GAP_S):
            yield f"two faults at once on {one.target}"
    for interval in schedule.intervals:
        yield from _nodes_away(schedule, interval.start)


def _nodes_away(schedule: Schedule, at: float) -> Iterator[str]:
    """Of three vector nodes one may be away in any way, or two by dying: more is no minority."""
    there = [each for each in schedule.intervals if each.node and each.start <= at < each.end]
    nodes = {each.node for each in there}
    only_killed = all(each.fault["kind"] in KILLS for each in there)
    if len(nodes) > (MOST_KILLED if only_killed else 1):
        yield f"{', '.join(sorted(filter(None, nodes)))} are away at {at:g} s"


def _meet(one: Interval, other: Interval, gap_s: float) -> bool:
    return one.start < other.end + gap_s and other.start < one.end + gap_s
