"""The numbers of a stretch of a load."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil, floor

from chaos.record import Outcome
from chaos.scorecard.measures import BAD, QUANTILES, quantile
from loadtests.samples import Samples, Second
from loadtests.shapes import Stage, due


@dataclass(frozen=True)
class Asked:
    """What became of the requests of one operation, or of all."""

    requests: int
    outcomes: Mapping[Outcome, int]
    quantiles: Mapping[str, float]  # seconds from the intended start

    @property
    def wrong(self) -> int:
        """How many were not answered well; what was refused with a 4xx is the load's own doing, and not among them."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in BAD)

    @property
    def error_share(self) -> float:
        """The share of those; 0 where nothing was asked."""
        return self.wrong / self.requests if self.requests else 0.0

    @property
    def cached_share(self) -> float:
        """The share that came from the cache."""
        return self.outcomes.get(Outcome.CACHED, 0) / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Measured:
    """A stretch of a load, by its whole seconds from `begin` to `end`."""

    begin: int
    end: int
    intended: float  # starts a second
    achieved: float  # starts a second
    generator_cpu: float  # of a core, of the generator's busiest process
    late_p95_s: float  # of starts that had a free slot
    whole: Asked
    operations: Mapping[str, Asked]

    @property
    def achieved_share(self) -> float:
        """How much of the intended rate was achieved, at most 1."""
        return min(1.0, self.achieved / self.intended) if self.intended else 1.0


def measure(samples: Samples, stages: Sequence[Stage], begin: float, end: float) -> Measured:
    """The stretch's numbers; the seconds that only partly belong to it are left out, unless there are no others."""
    first, last = ceil(begin), floor(end)
    if last <= first:
        first, last = floor(begin), ceil(end)
    seconds = [samples.seconds[at] for at in range(first, last) if at in samples.seconds]
    names = dict.fromkeys(chain.from_iterable(second.waited for second in seconds))
    operations = {name: _asked(seconds, [name]) for name in names}
    late = sorted(chain.from_iterable(second.late for second in seconds))
    started = sum(second.started for second in seconds)
    on_time = started - len(late)
    return Measured(
        begin=first,
        end=last,
        intended=due(stages, first, last) / (last - first),
        achieved=started / (last - first),
        generator_cpu=max((_cpu_share(told, first, last) for told in samples.cpu.values()), default=0.0),
        late_p95_s=_upper(late, on_time, 0.95),
        whole=_asked(seconds, list(names)),
        operations=operations,
    )


def _asked(seconds: Sequence[Second], names: Sequence[str]) -> Asked:
    outcomes: Counter[Outcome] = Counter()
    waited: list[float] = []
    for second in seconds:
        for name in names:
            outcomes.update(second.outcomes.get(name, {}))
            waited.extend(second.waited.get(name, ()))
    waited.sort()
    quantiles = {name: quantile(waited, share) for name, share in QUANTILES.items()} if waited else {}
    return Asked(len(waited), dict(outcomes), quantiles)


def _upper(late: Sequence[float], on_time: int, share: float) -> float:
    """The quantile of starts of which only those that came late are known, in order."""
    place = ceil(share * (len(late) + on_time)) - on_time
    return late[place - 1] if place > 0 else 0.0


def _cpu_share(told: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """The CPU seconds a second, by the samples within the stretch and the one before; 0 where there are not two."""
    inside = [each for each in told if begin - 1 <= each[0] <= end + 1]
    if len(inside) < 2:
        return 0.0
    (first, cpu), (last, later) = inside[0], inside[-1]
    return (later - cpu) / (last - first)
