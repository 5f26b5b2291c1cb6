"""A benchmark: a function that yields figures, and what it is given to measure with."""

import inspect
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal, TypeVar

from benchmarks import suite
from benchmarks.figures import Figure
from chaos.stack import Stack

Kind = Literal["plain", "proxied"]
"""Of a stack: without Toxiproxy on its edges, or with it, as it is by default."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """How much is measured: how often everything that is compared takes its turn, and how long each load lasts."""

    rounds: int
    seconds: float
    quick: bool = True  # small collections, few repetitions of what takes long


FULL, QUICK, GUARD = Effort(11, 3.0, quick=False), Effort(5, 1.0), Effort(5, 0.3)


@dataclass(frozen=True)
class Bench:
    """What a benchmark measures with."""

    effort: Effort
    running: Stack | None = None

    @property
    def stack(self) -> Stack:
        """The stack that is up, of the kind that the benchmark asked for."""
        assert self.running, "the benchmark is marked as needing no stack"
        return self.running

    def in_turn(self, measures: Mapping[K, Callable[[], T]], *, rounds: int | None = None) -> dict[K, list[T]]:
        """The results of the measures, which take turns: A B, B A, A B, so that a drift of the machine hits all."""
        taken: dict[K, list[T]] = {name: [] for name in measures}
        names = list(measures)
        for _ in range(rounds or self.effort.rounds):
            for name in names:
                taken[name].append(measures[name]())
            names.reverse()
        return taken


Measure = Callable[[Bench], Iterator[Figure]]


@dataclass(frozen=True)
class Benchmark:
    """An entry of the catalogue."""

    name: str
    title: str
    stack: Kind | None
    guard: bool  # whether its ratios are cheap enough, and steady enough, for the regression guard
    measure: Measure


_catalogue: dict[str, Benchmark] = {}


def benchmark(*, stack: Kind | None, guard: bool = False) -> Callable[[Measure], Measure]:
    """Put the function into the catalogue; its name is the benchmark's, its docstring's first line the title."""

    def add(measure: Measure) -> Measure:
        name = measure.__name__.replace("_", "-")
        title = (inspect.getdoc(measure) or "").splitlines()[0]
        _catalogue[name] = Benchmark(name, title, stack, guard, measure)
        return measure

    return add


def catalogue() -> Mapping[str, Benchmark]:
    """All benchmarks by name, grouped by the stack that they need."""
    for module in sorted(found.name for found in iter_modules(suite.__path__)):
        import_module(f"{suite.__name__}.{module}")
    order = {None: 0, "plain": 1, "proxied": 2}
    return dict(sorted(_catalogue.items(), key=lambda item: order[item[1].stack]))


def timed(work: Callable[[], object]) -> float:
    """How many seconds the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
