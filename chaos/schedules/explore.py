"""Has Hypothesis draw schedules, and make those that fail as small as it can in the time that it has."""

import time
from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.strategies import SearchStrategy

from chaos.record import Verdict
from chaos.schedules.schedule import Schedule
from chaos.schedules.trial import Trial

BATCH = 8  # draws from one seed: the more there are, the more of them Hypothesis makes small, or like earlier ones

Attempt = Callable[[Schedule, str, int], Trial]
"""Runs a schedule; it is given the trial's name, and the seed that it was drawn with."""


class ScheduleFailedError(Exception):
    """Tells Hypothesis that a schedule fails."""


def explore(
    schedules: SearchStrategy[Schedule],
    attempt: Attempt,
    *,
    count: int,
    seeded: int,
    shrink_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Trial]:
    """Run `count` drawn schedules; returns their trials, those that fail with the smallest schedule that does.

    The seed decides what is drawn; the next batch, and what comes after a failure, is drawn with the seed after it.
    `shrink_s` is for all failures together, so that a stack that fails at everything does not take hours to say so.
    """
    trials: list[Trial] = []
    left_s = shrink_s
    for turn in range(count):
        if len(trials) < count:
            search = _Search(attempt, len(trials), seeded + turn, left_s, clock)
            search.run(schedules, min(BATCH, count - len(trials)))
            trials += search.drawn
            left_s -= search.shrunk_s
    return trials


class _Search:
    """Draws until one fails, and shrinks that one.

    A schedule is run once: its verdict is the same whenever Hypothesis asks again, however the machine's mood has
    changed. Once the time is over nothing new fails, and Hypothesis ends; so it does where a run breaks off.
    """

    def __init__(self, attempt: Attempt, number: int, seeded: int, shrink_s: float, clock: Callable[[], float]) -> None:
        self.drawn: list[Trial] = []
        self.shrunk_s = 0.0
        self._attempt, self._number, self._seed = attempt, number, seeded
        self._shrink_s, self._clock = shrink_s, clock
        self._known: dict[str, Trial] = {}
        self._asked = 0
        self._failed: Trial | None = None
        self._broke: Exception | None = None
        self._shrinks = 0

    def run(self, schedules: SearchStrategy[Schedule], most: int) -> None:
        @seed(self._seed)
        @settings(
            max_examples=most + 1,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )
        @given(schedules)
        def hold(schedule: Schedule) -> None:
            self._asked += 1
            # The first one asked for is the smallest there is, whatever the seed: it would be the same in every run.
            if self._asked > 1 and self._fails(schedule):
                raise ScheduleFailedError(str(schedule))

        try:
            hold()
        except ScheduleFailedError:
            self._keep_the_smallest()

    def _fails(self, schedule: Schedule) -> bool:
        trial = self._known.get(str(schedule)) or self._tried(schedule)
        if trial is None or trial.verdict is not Verdict.FAILED:
            return False
        self._failed = self._failed or trial
        return bool(trial.failed & self._failed.failed)

    def _tried(self, schedule: Schedule) -> Trial | None:
        if self._failed is None:
            trial = self._run(schedule, f"{self._number + len(self.drawn) + 1:03}")
            self.drawn.append(trial)
        elif self.shrunk_s < self._shrink_s:
            began = self._clock()
            self._shrinks += 1
            trial = self._run(schedule, f"{self._failed.name}-smaller-{self._shrinks:02}")
            self.shrunk_s += self._clock() - began
        else:
            return None
        self._known[str(schedule)] = trial
        return trial

    def _run(self, schedule: Schedule, name: str) -> Trial:
        if self._broke is not None:
            raise self._broke
        try:
            return self._attempt(schedule, name, self._seed)
        except Exception as error:
            self._broke = error
            raise

    def _keep_the_smallest(self) -> None:
        """Of those that failed in the same way: with fewest faults, then the shortest."""
        assert self._failed
        alike = [one.schedule for one in self._known.values() if one.failed & self._failed.failed]
        smallest = min(alike, key=lambda schedule: (len(schedule.intervals), schedule.ends))
        self.drawn[-1] = replace(self._failed, smallest=smallest)
