"""What Locust runs: `python -m locust -f loadtests/locustfile.py`, as loadtests/generator.py starts it.

Importing Locust patches sockets and threads, so this is never imported by anything but Locust.
"""

import gc
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import LoadTestShape, events, runners
from locust.env import Environment

from loadtests.caller import Caller, Course
from loadtests.plan import PLAN, VARIABLE, Plan
from loadtests.shapes import length, starts
from loadtests.tally import line
from loadtests.wire import Requests

LEAD_S = 2.0  # from the word to start until the first request: time to make the slots
GRACE_S = 15.0  # for answers that are under way when the last start is over
SAMPLE_S = 1.0

runners.WORKER_REPORT_INTERVAL = SAMPLE_S


MESSAGE = "breakwater"
"""The name under which the plan goes to the workers and their samples come back."""


def the_plan() -> Plan:
    """The plan of this run, which a worker is told by its master instead."""
    return PLAN.validate_json(Path(os.environ[VARIABLE]).read_bytes())


class Slots(LoadTestShape):
    """As many users as the plan has slots, until all its requests have been made."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: Plan | None = None

    def tick(self) -> tuple[int, float] | None:
        """The number of users, and how many to add in a second; None ends the load."""
        plan = self._plan = self._plan or the_plan()
        over = self.get_run_time() - LEAD_S - length(plan.stages)
        if over > GRACE_S or (over > 0 and self.get_current_user_count() == 0):
            return None
        return plan.slots, plan.slots


def begin(plan: Plan, index: int) -> Course:
    """Have the slots of this process follow the plan: as one of its generators, it makes every n-th request."""
    requests = Requests(mix=plan.mix, host=urlsplit(plan.url).netloc, tokens=plan.tokens, run=plan.run)
    due = islice(enumerate(starts(plan.stages)), index, None, plan.generators)
    Caller.host = plan.url
    Caller.course = Course(due, requests, time.perf_counter() + LEAD_S, plan.shown)
    gc.collect()
    gc.freeze()  # what there is stays, and need not be looked through again in the middle of the load
    return Caller.course


class Writer:
    """Appends samples to the plan's file."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self, generator: str, sample: dict[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(line(generator, **sample))


def sample(course: Course) -> dict[str, Any]:
    """What this process has counted since the last time."""
    return {"at": course.now(), "cpu_s": time.process_time(), "drained": course.tally.drain()}


def alone(environment: Environment, plan: Plan) -> None:
    """This process is the whole generator."""
    write = Writer(plan.samples)

    def write_samples() -> None:
        while not Caller.course.stopped:
            gevent.sleep(SAMPLE_S)
            write("1", sample(Caller.course))

    @environment.events.test_start.add_listener
    def start(**_: object) -> None:
        begin(plan, 0)
        gevent.spawn(write_samples)

    @environment.events.test_stop.add_listener
    def stop(**_: object) -> None:
        write("1", sample(Caller.course))


def master(environment: Environment, runner: runners.MasterRunner, plan: Plan) -> None:
    """This process only tells its workers what to do and writes down what they count."""
    write = Writer(plan.samples)

    @environment.events.test_start.add_listener
    def start(**_: object) -> None:
        runner.send_message(MESSAGE, plan.message())  # it arrives before the order to start, which comes next

    @environment.events.worker_report.add_listener
    def report(client_id: str, data: dict[str, Any]) -> None:
        if MESSAGE in data:
            write(str(runner.get_worker_index(client_id) + 1), data[MESSAGE])


def worker(environment: Environment, runner: runners.WorkerRunner) -> None:
    """This process makes its share of the requests."""
    told: list[Plan] = []

    def plan(msg: Any, **_: object) -> None:
        told[:] = [PLAN.validate_python(msg.data)]

    runner.register_message(MESSAGE, plan)

    @environment.events.test_start.add_listener
    def start(**_: object) -> None:
        begin(told[0], runner.worker_index)

    @environment.events.report_to_master.add_listener
    def report(data: dict[str, Any], **_: object) -> None:
        if told and hasattr(Caller, "course"):
            data[MESSAGE] = sample(Caller.course)


@events.init.add_listener
def prepare(environment: Environment, runner: runners.Runner, **_: object) -> None:
    """Take the part that this process has."""
    match runner:
        case runners.WorkerRunner():
            worker(environment, runner)
        case runners.MasterRunner():
            master(environment, runner, the_plan())
        case _:
            alone(environment, the_plan())

    @environment.events.test_stopping.add_listener
    def stop(**_: object) -> None:
        if hasattr(Caller, "course"):
            Caller.course.stopped = True
