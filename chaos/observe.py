"""Reads the components' metrics and the sizes of their logs, again and again, in the background of an experiment."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import ClientSession, ClientTimeout

from chaos.openloop import Clock, OpenLoop, Sleep, steps
from chaos.record import Sample
from chaos.snapshot import snapshot
from infra.probes import metrics
from infra.probes.metrics import BORN, UP, Series, Snapshot

WATCHED = frozenset(
    {
        "breaker_state",
        "breaker_calls_total",
        "breaker_transitions_total",
        "breaker_trips_total",
        "breaker_false_positives_total",
        "bulkhead_shed_total",
        "dependency_attempt_seconds_count",
        "dependency_attempt_seconds_sum",
        "process_cpu_seconds_total",
        "retries_total",
        BORN,
    }
)
COUNTED = WATCHED | {"dependency_attempt_seconds_bucket"}  # too many to keep twice a second
LOG_BYTES = "log_bytes"


@dataclass(frozen=True)
class Look:
    """One attempt to read a component's metrics; `error` says why there is nothing to see."""

    source: str
    intended: float
    started: float
    ended: float
    error: str | None = None


@dataclass(frozen=True)
class Observed:
    """What is looked at: the address of each component's metrics, and the file of each component's log."""

    metrics: Mapping[str, str]
    logs: Mapping[str, Path] = field(default_factory=dict)


class Observer:
    """Looks `rate` times a second while its context lasts; a component that hangs delays no later look.

    `samples` has a series' value when it was first seen and whenever it has changed since; `UP` at each look.
    """

    def __init__(
        self,
        opened: ClientSession,
        observed: Observed,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        rate: float = 2.0,
        patience_s: float = 1.0,
    ) -> None:
        self.samples: list[Sample] = []
        self.looks: list[Look] = []
        self._session, self._observed, self._clock = opened, observed, clock
        self._timeout = ClientTimeout(total=patience_s)
        self._last: dict[Series, float] = {}
        times = steps(rate, begin=clock())
        self._loop = OpenLoop(times, self._look, missed=self._miss, clock=clock, sleep=sleep)

    async def __aenter__(self) -> Self:
        await self._loop.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._loop.__aexit__(*raised)

    async def snapshot(self) -> Snapshot:
        """All that can be counted, read now."""
        read = await asyncio.gather(*(self._read(name, self._clock(), COUNTED) for name in self._observed.metrics))
        return snapshot(chain(*read, log_sizes(self._observed.logs, self._clock())))

    async def _look(self, _: int, intended: float) -> None:
        async def keep(source: str) -> None:
            self._keep(await self._read(source, intended, WATCHED))

        self._keep(log_sizes(self._observed.logs, self._clock()))
        await asyncio.gather(*map(keep, self._observed.metrics))

    def _miss(self, _: int, intended: float) -> None:
        now = self._clock()
        self.looks += [Look(source, intended, now, now, "never begun") for source in self._observed.metrics]

    async def _read(self, source: str, intended: float, names: frozenset[str]) -> list[Sample]:
        started, error, samples = self._clock(), None, []
        try:
            async with self._session.get(self._observed.metrics[source], timeout=self._timeout) as response:
                response.raise_for_status()
                text = await response.text()
            samples = parse(source, text, self._clock(), names)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}".rstrip(": ")
        ended = self._clock()
        self.looks.append(Look(source, intended, started, ended, error))
        return [*samples, Sample(ended, source, UP, {}, 0.0 if error else 1.0)]

    def _keep(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            series = Series(sample.source, sample.name, frozenset(sample.labels.items()))
            if sample.name == UP or self._last.get(series) != sample.value:
                self._last[series] = sample.value
                self.samples.append(sample)


def parse(source: str, text: str, at: float, names: frozenset[str]) -> list[Sample]:
    """The samples of these names in Prometheus' text format; raises ValueError for what is none."""
    read = metrics.parse(source, text, names)
    return [Sample(at, source, series.name, dict(series.labels), value) for series, value in read.items()]


def log_sizes(logs: Mapping[str, Path], at: float) -> Iterator[Sample]:
    """The size in bytes of each component's log; 0 for one that is not there."""
    for component, path in logs.items():
        yield Sample(at, component, LOG_BYTES, {}, float(path.stat().st_size if path.exists() else 0))
