"""The seven triggers that undo a rollout, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import LIMITS, Limits
from infra.rollout.measurements import Measurements
from infra.rollout.triggers.breakers import false_trips
from infra.rollout.triggers.data import migration, replicas
from infra.rollout.triggers.functions import critical_functions
from infra.rollout.triggers.routing import routing
from infra.rollout.triggers.shares import Trigger
from infra.rollout.triggers.traffic import baseline, error_rate, latency

TRIGGERS: Mapping[str, Trigger] = {
    "error-rate": error_rate,
    "latency": latency,
    "false-trips": false_trips,
    "critical-functions": critical_functions,
    "replicas": replicas,
    "routing": routing,
    "migration": migration,
}

GATES: Mapping[str, Trigger] = {"baseline": baseline}
"""What has a step wait, and undoes nothing."""

_BY_NAME = {**TRIGGERS, **GATES}


def judge(
    names: Iterable[str], window: Measurements, recent: Measurements | None = None, limits: Limits = LIMITS
) -> tuple[Judgement, ...]:
    """What each of these triggers says of a step's whole window, and of its recent end where that is unhealthy.

    In a window of hours a release that has turned bad in the last minutes is diluted by what it was before. `recent`
    has the counts since `RECENT_LOOKS` looks ago; it can only undo, never promote.
    """
    return tuple(_judge(_BY_NAME[name], window, recent, limits) for name in names)


def _judge(trigger: Trigger, window: Measurements, recent: Measurements | None, limits: Limits) -> Judgement:
    whole = trigger(window, limits)
    if recent is None or whole.verdict is Verdict.UNHEALTHY:
        return whole
    late = trigger(recent, limits)
    if late.verdict is not Verdict.UNHEALTHY:
        return whole
    return replace(late, said=f"in the last {recent.seconds:g} seconds: {late.said}")
