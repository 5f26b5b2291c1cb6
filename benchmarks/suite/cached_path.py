"""The whole path of a cached search against the least that could answer it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from redis import Redis

from benchmarks.bare import key
from benchmarks.benchmark import Bench, benchmark
from benchmarks.beside import Bare, bare_path
from benchmarks.client import Load, again_and_again, closed_loop
from benchmarks.figures import Figure, at_least, ratio
from benchmarks.searches import remembered, repeated
from benchmarks.stack import cpu_seconds, family_cpu_s
from chaos.stack import Stack

CLIENTS = 16
BEHIND_GATEWAY = at_least(0.8)  # the design's
WARM_S = 0.3


@dataclass(frozen=True)
class _Taken:
    """A load, and the seconds of processor time that each process spent on it."""

    load: Load
    spent: dict[str, float]

    @property
    def us(self) -> dict[str, float]:
        """Microseconds of processor time of one search."""
        return {name: seconds / len(self.load.latencies) * 1e6 for name, seconds in self.spent.items()}


@benchmark(stack="plain", guard=True)
def cached_path(bench: Bench) -> Iterator[Figure]:
    """Cached searches through the gateway, against a bare FastAPI handler with the same cache and a gateway like it."""
    stack = bench.stack
    gateway, query = stack.address("kong"), stack.address("query")
    bodies = remembered(stack, gateway)
    with bare_path(stack) as bare, Redis(port=stack.port("redis", "redis")) as redis:
        for question, body in bodies.items():
            redis.set(key(question), body, ex=600)
        doors = {"full": gateway, "bare": bare.gateway, "service": query, "handler": bare.address}
        for door in doors.values():
            _take(stack, bare, door, WARM_S)
        measures = {name: partial(_take, stack, bare, door, bench.effort.seconds) for name, door in doors.items()}
        taken = bench.in_turn(measures)
    rates = {name: [one.load.rate for one in each] for name, each in taken.items()}
    parts = {
        f"µs of CPU a search, {path} path: {process}": median(one.us[process] for one in taken[path])
        for path in ("full", "bare")
        for process in (*_PATHS[path], "client")
    }
    yield ratio("full / bare path", rates["full"], rates["bare"], better="higher", bound=BEHIND_GATEWAY, parts=parts)
    yield ratio("service / bare handler, past the gateways", rates["service"], rates["handler"], better="higher")
    cpu = {path: [sum(one.us[name] for name in _PATHS[path]) for one in taken[path]] for path in _PATHS}
    yield ratio("processor time, full / bare path", cpu["full"], cpu["bare"], better="lower", parts=parts)
    for name, label in (("full", "full path"), ("bare", "bare path")):
        yield Figure(label, "searches/s", tuple(rates[name]), "higher")


_PATHS = {"full": ("kong", "query", "redis", "timescaledb"), "bare": ("bare gateway", "bare handler", "redis")}
"""The processes that work for a search; the query log is the database's part."""


def _take(stack: Stack, bare: Bare, door: str, seconds: float) -> _Taken:
    before = _spent(stack, bare)
    load = closed_loop(door, again_and_again(repeated(stack, door)), clients=CLIENTS, seconds=seconds)
    spent = {name: seconds - before[name] for name, seconds in _spent(stack, bare).items()}
    return _Taken(load, spent | {"client": load.cpu_s})


def _spent(stack: Stack, bare: Bare) -> dict[str, float]:
    return cpu_seconds(stack) | {name: family_cpu_s(pid) for name, pid in bare.pids.items()}
