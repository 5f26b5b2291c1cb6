"""Which schedules Hypothesis draws: faults of every kind that can be combined, at any time of a few seconds."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chaos.faults import (
    Bandwidth,
    BlackHole,
    Down,
    Fault,
    Flapping,
    FullCache,
    Garbage,
    Kill,
    Latency,
    LimitData,
    Partition,
    Pause,
    Reset,
    Restart,
    Slicer,
    to_json,
)
from chaos.schedules.schedule import MOST, Interval, Schedule, problems
from infra.topology import QDRANT_NODES, topology

LAST_START_S = 2.0
SHORTEST_S, LONGEST_S = 0.5, 1.8
TICKS = 10  # a second: times are drawn in tenths

GATEWAY = "kong"
JOBS = frozenset({"migrations", "models"})  # over before any experiment begins
EDGES = tuple(edge.name for edge in topology().edges if edge.consumer not in JOBS)
COMPONENTS = ("query", "rag-service", "collections", "ingestion", "redis", "timescaledb", "ollama", *QDRANT_NODES)
"""Services and stores. The gateway and the proxy are left alone: nothing would be left to ask, or to inject with."""

_edge = st.sampled_from(EDGES)
_component = st.sampled_from(COMPONENTS)
_stream: SearchStrategy[Any] = st.sampled_from(("down", "up", "both"))

FAULTS: SearchStrategy[Fault] = st.one_of(
    st.builds(Latency, edge=_edge, stream=_stream, latency_ms=st.sampled_from((100, 500, 2000))),
    st.builds(Down, edge=_edge),
    st.builds(BlackHole, edge=_edge, stream=_stream, close_after_ms=st.sampled_from((0, 300))),
    st.builds(Reset, edge=_edge, stream=_stream, after_ms=st.sampled_from((0, 50))),
    st.builds(Bandwidth, edge=_edge, stream=_stream, rate_kb_s=st.sampled_from((100, 10))),
    st.builds(Slicer, edge=_edge, stream=_stream, size=st.sampled_from((256, 32)), delay_ms=st.sampled_from((0, 5))),
    st.builds(LimitData, edge=_edge, stream=_stream, limit=st.sampled_from((1000, 100, 0))),
    # A page that comes over one of the gateway's edges is passed on: nobody on the way can tell that it is none.
    st.builds(Garbage, edge=_edge, answer=st.just("bytes")),
    st.builds(Garbage, edge=st.sampled_from([e for e in EDGES if not e.startswith(GATEWAY)]), answer=st.just("page")),
    st.builds(Flapping, edge=_edge, down_s=st.sampled_from((0.2, 0.5)), up_s=st.sampled_from((0.2, 0.5))),
    st.builds(Kill, component=_component, stays_down=st.booleans()),
    st.builds(Pause, component=_component),
    st.builds(Restart, component=_component),
    st.builds(FullCache),
    st.builds(Partition, node=st.sampled_from(QDRANT_NODES), silent=st.booleans()),
)
"""All but those that change a program, its configuration or the schema: each of them needs a recovery of its own."""


def _interval(fault: Fault, start: int, length: int) -> Interval:
    return Interval(to_json(fault), start / TICKS, (start + length) / TICKS)


INTERVALS = st.builds(
    _interval,
    FAULTS,
    st.integers(0, int(LAST_START_S * TICKS)),
    st.integers(int(SHORTEST_S * TICKS), int(LONGEST_S * TICKS)),
)


def ordered(intervals: Iterable[Interval | None]) -> Schedule:
    """The schedule of those that are there."""
    there = [interval for interval in intervals if interval]
    return Schedule(tuple(sorted(there, key=lambda interval: (interval.start, interval.end, interval.target))))


def schedules() -> SearchStrategy[Schedule]:
    """Sound schedules of one to five faults.

    Five places with a fault or none: a place is emptied in one step, which shrinks faster than a list.
    """
    drawn = st.tuples(*[st.none() | INTERVALS] * MOST).map(ordered)
    return drawn.filter(lambda schedule: not any(problems(schedule)))
