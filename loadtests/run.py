"""Runs a load: starts the generator, watches it and the stack, and leaves the record in the run's folder."""

import time
from pathlib import Path

from infra.observability.slo import SLO
from loadtests import knee, progress, verdict
from loadtests.generator import Generator, Layout, generator
from loadtests.plan import Plan
from loadtests.record import SAMPLES, Run, save_run, save_usage
from loadtests.samples import Follower, Samples
from loadtests.shapes import SHAPES, length
from loadtests.target import Target
from loadtests.usage import Meter, Used, of_stack
from loadtests.verdict import Judged

TICK_S = 1.0


def run(folder: Path, made: Run, target: Target, layout: Layout) -> None:
    """Run the load to its end; raises GeneratorError where Locust fails. KeyboardInterrupt leaves what there is."""
    save_run(folder, made)
    plan = Plan(
        run=made.id,
        url=target.url,
        tokens=target.tokens,
        mix=SHAPES[made.shape].mix,
        stages=made.stages,
        slots=made.slots,
        samples=str(folder / SAMPLES),
        generators=layout.generators,
        shown=layout.ui is not None,
    )
    used: list[Used] = []
    try:
        with generator(plan, layout, folder) as running:
            _watch(folder, made, target, running, used)
    finally:
        save_usage(folder, used)


def _watch(folder: Path, made: Run, target: Target, running: Generator, used: list[Used]) -> None:
    samples = Samples()
    follow = Follower(folder / SAMPLES, samples)
    meter = Meter(of_stack(target.paths, lambda: running.pids))
    steps: list[Judged] = []
    with progress.shown(made) as show:
        while running.running:
            time.sleep(TICK_S)
            follow.read()
            reading = meter.read(samples.until)
            if 0 < samples.until <= length(made.stages) + TICK_S:
                used += reading
            show(samples)
            if SHAPES[made.shape].knee and _past(made, samples, steps):
                running.stop()
                break


def _past(made: Run, samples: Samples, steps: list[Judged]) -> bool:
    """Whether the steps to the knee have shown all that they can; adds those that are over to `steps`."""
    ended = verdict.ended(made.stages, samples.until - TICK_S)  # and so the last answers have been told
    steps += [verdict.judge(SHAPES[made.shape], made.stages, span, samples, SLO) for span in ended[len(steps) :]]
    return knee.past(steps, SLO)
