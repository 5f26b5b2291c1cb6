"""What the components hold in memory."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice

from benchmarks.benchmark import Bench, benchmark
from benchmarks.client import closed_loop
from benchmarks.figures import Figure, at_most
from benchmarks.searches import distinct, remembered, repeated
from chaos.stack import Stack
from infra.commands import status
from infra.topology import BUDGET_MEMORY_MB

CLIENTS = 8
NEW = 4  # of twenty searches are not in the cache
LOOK_S = 0.5


@benchmark(stack="plain")
def memory(bench: Bench) -> Iterator[Figure]:
    """Resident memory of each component, idle and at its highest under a load of cached and uncached searches."""
    stack = bench.stack
    idle = _look(stack)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(_load, stack, bench.effort.seconds * 5)
        looks = []
        while not under_way.done():
            looks.append(_look(stack))
            time.sleep(LOOK_S)
        under_way.result()
    highest = {name: max(look.get(name, 0.0) for look in looks) for name in idle}
    totals = tuple(sum(look.values()) for look in looks)
    yield Figure("all, idle", "MiB", (sum(idle.values()),), "lower", at_most(BUDGET_MEMORY_MB), idle)
    yield Figure("all, under load", "MiB", totals, "lower", at_most(BUDGET_MEMORY_MB), highest)
    for name, most in highest.items():
        yield Figure(f"{name}, idle", "MiB", (idle[name],), "lower")
        yield Figure(f"{name}, under load", "MiB", (most,), "lower")


def _look(stack: Stack) -> dict[str, float]:
    rows = status.read(stack.paths)
    return {row.component: float(row.memory_mb) for row in rows if row.memory_mb}


def _load(stack: Stack, seconds: float) -> None:
    gateway = stack.address("kong")
    remembered(stack, gateway)
    known, new = repeated(stack, gateway), distinct(stack, gateway)
    asks = chain.from_iterable(chain(known, islice(new, NEW)) for _ in iter(int, 1))
    closed_loop(gateway, asks, clients=CLIENTS, seconds=seconds)
