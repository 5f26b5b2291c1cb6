"""Loads as they could have been, made without making any."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chaos.record import Outcome
from loadtests.record import Run
from loadtests.samples import Samples
from loadtests.shapes import SHAPES, Stage, due, length
from loadtests.usage import Used


@dataclass(frozen=True)
class Made:
    """How a load went: what was achieved of its rate, how long answers took, what they were."""

    achieved: float = 1.0
    seconds: float = 0.01
    cpu: float = 0.3
    outcome: Outcome = Outcome.CACHED
    operation: str = "search"


def counted(stages: Sequence[Stage], *made: Made, generators: int = 1) -> Samples:
    """The samples of a load; each second goes as the element of `made` says, the last of them to the end."""
    samples = Samples()
    spent = 0.0
    for at in range(int(length(stages))):
        how = made[min(at, len(made) - 1)]
        asked = round(due(stages, at, at + 1) * how.achieved)
        second = samples.seconds[at]
        second.started = asked
        second.waited[how.operation] = [how.seconds] * asked
        second.outcomes[how.operation][how.outcome] = asked
        for generator in range(generators):
            samples.cpu[str(generator + 1)].append((float(at), spent))
        spent += how.cpu
    for generator in range(generators):
        samples.cpu[str(generator + 1)].append((length(stages), spent))
    return samples


def a_run(shape: str, stages: Sequence[Stage] | None = None) -> Run:
    """A run of that shape."""
    stages = SHAPES[shape].built() if stages is None else stages
    began = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    url = "http://127.0.0.1:8000"
    return Run(
        f"20261125-020000-{shape}", began, shape, stages, "load", url, 250, 1, 2, {"redis": "Valkey 9 (stand-in)"}
    )


def used(seconds: int, *, grows: float = 0.0) -> list[Used]:
    """What two components and the generator used."""
    return [
        Used(float(at), name, cores, 100.0 * (1 + grows * at / seconds))
        for at in range(seconds)
        for name, cores in (("query", 0.8), ("redis", 0.1), ("generator", 0.2))
    ]
