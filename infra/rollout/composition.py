"""Puts together what an engine needs for a stack that really runs."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import TypeAdapter

from infra import durable
from infra.commands.replicas import Service
from infra.drift.inspection import Inspected, inspected
from infra.rollout import functions, releases, stores, triggers
from infra.rollout.deployment import Deployment
from infra.rollout.engine import Measure, Surroundings
from infra.rollout.functions import Place
from infra.rollout.gateway import token
from infra.rollout.journal import Note
from infra.rollout.judgement import Judgement
from infra.rollout.limits import CRITICAL
from infra.rollout.measurements import Check, Measurements, Traffic
from infra.rollout.measuring import Measuring
from infra.rollout.probing import Prober, Releases, probes_a_look
from infra.rollout.sources import Prometheus, Scrape, Source
from infra.rollout.state import Plan, folder_of, save
from infra.rollout.strategies import Step
from infra.stack_settings import stack_settings
from infra.topology import RELEASED, candidate_of, topology

BASELINE = "baseline.json"
PROMETHEUS = "prometheus"
ASIDE = len(CRITICAL) + 3  # each function, the probes, those of the last step, and the comparison
_BASELINE = TypeAdapter(dict[str, Traffic])


@contextmanager
def surroundings(
    plan: Plan, deployment: Deployment, note: Note, wait: Callable[[float], bool]
) -> Iterator[Surroundings]:
    """All that the engine touches, for the time of one engine."""
    with measuring(plan, time.monotonic) as measure:
        yield Surroundings(deployment, measure, judge, save, note, time.monotonic, wait, time.time)


def judge(step: Step, window: Measurements, recent: Measurements | None) -> Sequence[Judgement]:
    """What each of the step's triggers says."""
    return triggers.judge(step.triggers, window, recent)


@contextmanager
def measuring(plan: Plan, clock: Callable[[], float]) -> Iterator[Measure]:
    """What measures, made when it is first needed: an engine that only undoes needs none."""
    with ExitStack() as ends:
        made: list[Measuring] = []

        def measure(step: Step, began: float) -> tuple[Measurements, Measurements | None]:
            if not made:
                made.append(_measuring(plan, clock, ends))
            return made[0](step, began)

        yield measure
    _tidy(plan.stack)


def _tidy(stack: str) -> None:
    """Remove what a killed engine has left for its functions."""
    settings = stack_settings(stack)
    folder = Path(settings.data_root) / functions.NAME
    if folder.exists():
        port = topology(settings.port_offset).component("collections").port("http").host
        functions.remove(Place("stable", {"collections": f"http://127.0.0.1:{port}"}, (), folder))


def _measuring(plan: Plan, clock: Callable[[], float], ends: ExitStack) -> Measuring:
    stack = inspected(plan.stack)
    services = sorted({service for step in plan.steps for service in step.weights})
    urls = {name: stack.url(name) for service in RELEASED for name in (service, candidate_of(service))}
    candidates = {candidate_of(service): service for service in services}
    places = _places(stack, urls, services)
    wanted = stores.wanted(
        stack.login, {releases.find(plan.before.release).migrations, releases.find(plan.release).migrations}
    )
    prober = Prober(str(stack.outputs["gateway"]), lambda: token(stack), Releases(plan.before.release, plan.release))
    probes = probes_a_look(stack.settings.rate_limit_minute, plan.interval_s)
    ends.enter_context(functions.collection(places["stable"]))
    pool = ends.enter_context(ThreadPoolExecutor(ASIDE))  # ends first: until then there may be a try of a function
    baseline = folder_of(plan) / BASELINE

    def tried(release: str, function: str) -> list[Check]:
        return functions.tried(places[release], function)

    return Measuring(
        source=source(stack, (*services, *candidates)),
        stable={service: service for service in services},
        candidate=candidates,
        tried=tried,
        probed=lambda step: prober.routing(step.weights, probes),
        replicas=lambda: stores.replicas(Service(dict(stack.outputs))),
        schema=lambda: stores.schema(stack.login, wanted),
        clock=clock,
        pool=pool,
        baseline=_BASELINE.validate_json(baseline.read_bytes()) if baseline.exists() else {},
        remember=lambda told: _remember(baseline, told),
    )


def source(stack: Inspected, components: Collection[str]) -> Source:
    """Prometheus where the stack has one, else the components themselves."""
    if PROMETHEUS in stack.components:
        return Prometheus(stack.url(PROMETHEUS), components)
    return Scrape({component: stack.url(component) for component in components})


def _places(stack: Inspected, urls: Mapping[str, str], services: Sequence[str]) -> dict[str, Place]:
    """Each release's own; of what is not rolled out, the candidate has the stable release's."""
    folder = Path(stack.settings.data_root) / functions.NAME
    secrets = tuple(stack.running.secrets["interServiceSecret"])
    stable = {service: urls[service] for service in RELEASED}
    candidate = stable | {service: urls[candidate_of(service)] for service in services}
    return {
        "stable": Place("stable", stable, secrets, folder),
        "candidate": Place("candidate", candidate, secrets, folder),
    }


def _remember(path: Path, baseline: Mapping[str, Traffic]) -> None:
    durable.write(path, _BASELINE.dump_json(dict(baseline)).decode())
