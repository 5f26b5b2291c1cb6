"""How often the triggers of a rollout are wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.benchmark import Bench, benchmark
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.streams import INTERVAL_S, STREAMED, WINDOW_S, Label, Stream
from infra.rollout.judgement import Decision, decide
from infra.rollout.triggers import judge

SEEDS = range(50)  # of each label and trigger


class Ending(StrEnum):
    """What became of a step."""

    UNDONE = "undone"
    PROMOTED = "promoted"
    PAUSED = "paused"


@dataclass(frozen=True)
class Outcome:
    """What became of a stream's step, and after how many seconds."""

    stream: Stream
    ending: Ending
    seconds: float


@benchmark(stack=None)
def rollout_triggers(_: Bench) -> Iterator[Figure]:
    """What the triggers make of labelled streams: releases undone though healthy, or promoted though bad."""
    yield from figures([outcome(stream) for stream in streams(SEEDS)])


def streams(seeds: Iterable[int]) -> Iterator[Stream]:
    """One of each trigger and label for each seed."""
    for seed in seeds:
        for trigger in STREAMED:
            for label in Label:
                yield Stream(trigger, label, seed)


def outcome(stream: Stream) -> Outcome:
    """What the engine would do: look at each interval, extend the bake once, then pause."""
    for measured, recent in stream.looks():
        decision = decide(judge([stream.trigger], measured, recent), ended=measured.seconds >= WINDOW_S)
        if decision is not Decision.WAIT:
            ending = Ending.UNDONE if decision is Decision.UNDO else Ending.PROMOTED
            return Outcome(stream, ending, measured.seconds)
    return Outcome(stream, Ending.PAUSED, measured.seconds)


def figures(outcomes: list[Outcome]) -> Iterator[Figure]:
    """The matrix in four shares and a time."""

    def share(labels: set[Label], ending: Ending) -> tuple[float]:
        those = [one for one in outcomes if one.stream.label in labels]
        return (sum(one.ending is ending for one in those) / len(those),)

    ill, unknown = {Label.BAD, Label.FLAPPING, Label.LATE}, {Label.LOW_TRAFFIC, Label.NO_DATA}
    yield Figure(
        "undone though healthy",
        "of 1",
        share({Label.HEALTHY, Label.OUTAGE}, Ending.UNDONE),
        "lower",
        at_most(0.01),
        note=matrix(outcomes),
    )
    yield Figure("promoted though bad", "of 1", share(ill, Ending.PROMOTED), "lower", at_most(0))
    yield Figure("promoted though unknown", "of 1", share(unknown, Ending.PROMOTED), "lower", at_most(0))
    yield Figure("promoted of the healthy", "of 1", share({Label.HEALTHY}, Ending.PROMOTED), "higher", at_least(0.95))
    slowest = max(one.seconds for one in outcomes if one.stream.label is Label.BAD)
    yield Figure("slowest decision on a bad one", "s", (slowest,), "lower", at_most(WINDOW_S + INTERVAL_S))


def matrix(outcomes: list[Outcome]) -> str:
    """How many of each label ended how, with the seeds to make them again."""
    counts = Counter((one.stream.label, one.ending) for one in outcomes)
    seeds = sorted({one.stream.seed for one in outcomes})
    rows = [f"{'':12}" + "".join(f"{ending:>10}" for ending in Ending)]
    rows += [f"{label:12}" + "".join(f"{counts[label, ending]:>10}" for ending in Ending) for label in Label]
    told = f"{len(outcomes)} streams: {', '.join(STREAMED)}, each with the seeds {seeds[0]} to {seeds[-1]}"
    return "\n  ".join([told, *rows])
