"""Several faults at once, of kinds and at times drawn by chance."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.experiment import Experiment, experiment
from chaos.record import Verdict
from chaos.schedules import COUNT, REPLAY, journal
from chaos.schedules.draw import schedules
from chaos.schedules.explore import explore
from chaos.schedules.schedule import Schedule
from chaos.schedules.stage import tried
from chaos.schedules.trial import Trial, summed_up

QUICK, FULL = 3, 10  # schedules, where nobody says how many
SHRINK_S = 90.0  # for making all failing schedules of a run smaller
LONGEST_S = 60.0  # of one schedule, at the worst
WANTED = int(os.environ.get(COUNT, "0"))


@pytest.mark.timeout(LONGEST_S * max(WANTED, FULL) + SHRINK_S)
@experiment("breakers", "fallback", "qdrant-ha", "cluster-complexity", "no-downtime")
async def test_random_schedules(e: Experiment) -> None:
    """Several faults at once, drawn by chance: no caller is misled, no acknowledged write lost, all is well again."""
    if source := os.environ.get(REPLAY):
        trials = [await _told(e, one.as_it_happened, one.name, one.seed) for one in journal.read(Path(source))]
    else:
        trials = await _drawn(e, WANTED or (QUICK if e.suite.quick else FULL))
    for finding in summed_up(trials):
        e.check(finding)


async def _drawn(e: Experiment, count: int) -> list[Trial]:
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[Trial]] = set()

    async def one(schedule: Schedule, name: str, seed: int) -> Trial:
        task = asyncio.create_task(_told(e, schedule, name, seed))
        running.add(task)
        task.add_done_callback(running.discard)
        return await task

    def attempt(schedule: Schedule, name: str, seed: int) -> Trial:
        return asyncio.run_coroutine_threadsafe(one(schedule, name, seed), loop).result()

    def search() -> list[Trial]:
        return explore(schedules(), attempt, count=count, seeded=e.suite.run.seed, shrink_s=SHRINK_S)

    # Hypothesis calls what it tests, and waits: in a thread of its own, while the stack's load goes on in the loop.
    with ThreadPoolExecutor(1) as own:
        searched = loop.run_in_executor(own, search)
        try:
            trials = await asyncio.shield(searched)
        finally:
            for task in running:  # there is one if this was cancelled; its faults are healed before anything else ends
                task.cancel()
            await asyncio.gather(searched, return_exceptions=True)
    for trial in trials:
        journal.write(e.suite.folder, trial)  # again: those that failed have their smallest form now
    return trials


async def _told(e: Experiment, schedule: Schedule, name: str, seed: int) -> Trial:
    trial = await tried(e, schedule, name, seed)
    journal.write(e.suite.folder, trial)
    bad = [f"  {f.check} {f.verdict}: {f.said}" for f in trial.findings if f.verdict is not Verdict.PASSED]
    sys.stdout.write("\n".join([f"\n{name} {trial.verdict} in {trial.seconds:.1f} s: {schedule}", *bad]))
    sys.stdout.flush()
    return trial
