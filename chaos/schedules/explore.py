"""Has Hypothesis draw schedules, and make those that fail as small as it can in the time that it has."""

import time
from collections.abc import Callable, Iterator
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
    changed. What is not worth a run, and all that is new once the time is over, passes, so that Hypothesis goes on
    with something else or ends; it ends too where a run breaks off.
    """

    def __init__(self, attempt: Attempt, number: int, seeded: int, shrink_s: float, clock: Callable[[], float]) -> None:
        self.drawn: list[Trial] = []
        self.shrunk_s = 0.0
        self._attempt, self._number, self._seed = attempt, number, seeded
        self._shrink_s, self._clock = shrink_s, clock
        self._known: dict[str, Trial] = {}
        self._asked = 0
        self._failed: Trial | None = None
        self._smallest: Schedule | None = None  # that fails as the first that did
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
            assert self._failed
            self.drawn[-1] = replace(self._failed, smallest=self._smallest)

    def _fails(self, schedule: Schedule) -> bool:
        trial = self._known.get(str(schedule)) or self._tried(schedule)
        if trial is None or trial.verdict is not Verdict.FAILED:
            return False
        self._failed = self._failed or trial
        alike = bool(trial.failed & self._failed.failed)
        if alike and (self._smallest is None or _size(schedule) < _size(self._smallest)):
            self._smallest = schedule
        return alike

    def _tried(self, schedule: Schedule) -> Trial | None:
        if self._failed is None:
            trial = self._run(schedule, f"{self._number + len(self.drawn) + 1:03}")
            self.drawn.append(trial)
        elif self.shrunk_s < self._shrink_s and self._worth_a_run(schedule):
            began = self._clock()
            self._shrinks += 1
            trial = self._run(schedule, f"{self._failed.name}-smaller-{self._shrinks:02}")
            self.shrunk_s += self._clock() - began
        else:
            return None
        self._known[str(schedule)] = trial
        return trial

    def _worth_a_run(self, schedule: Schedule) -> bool:
        """Until each fault of the smallest has been left out in vain, only what leaves faults out: it tells most."""
        assert self._smallest
        if all(str(fewer) in self._known for fewer in _with_one_less(self._smallest)):
            return True
        return {*map(str, schedule.intervals)} < {*map(str, self._smallest.intervals)}

    def _run(self, schedule: Schedule, name: str) -> Trial:
        if self._broke is not None:
            raise self._broke
        try:
            return self._attempt(schedule, name, self._seed)
        except Exception as error:
            self._broke = error
            raise


def _size(schedule: Schedule) -> tuple[int, float]:
    return len(schedule.intervals), schedule.ends


def _with_one_less(schedule: Schedule) -> Iterator[Schedule]:
    if len(schedule.intervals) > 1:
        for number in range(len(schedule.intervals)):
            yield Schedule(schedule.intervals[:number] + schedule.intervals[number + 1 :])
