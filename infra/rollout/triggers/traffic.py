"""Error rate and latency: the share of the candidate's answers that are errors, and that are too slow."""

import math
from dataclasses import replace

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import Limits
from infra.rollout.measurements import Measurements, Traffic
from infra.rollout.statistics import above, lower, quantile, upper
from infra.rollout.triggers.shares import Counted, Trigger, few, judged, lacking, unknown, verdict

UNREAD = "the metrics of the candidate were not read"


def error_rate(measured: Measurements, limits: Limits) -> Judgement:
    """The candidate's errors, of all services together and of each."""
    return _each_service(_error_rate, measured, limits)


def latency(measured: Measurements, limits: Limits) -> Judgement:
    """The candidate's p95 against the stable release's, of all services together and of each."""
    return _each_service(_latency, measured, limits)


def baseline(measured: Measurements, limits: Limits) -> Judgement:
    """Whether the stable release has answered enough to compare with, before it gets no traffic any more."""
    name, least = "baseline", limits.least_baseline
    answers = _answers(measured.idle)
    if measured.idle is None or answers < least:
        return few(name, least, "requests to the stable release", answers, least)
    return Judgement(name, Verdict.HEALTHY, None, least, f"p95 {_time(_p95(measured.idle, limits))}")


def _each_service(trigger: Trigger, measured: Measurements, limits: Limits) -> Judgement:
    """One service that is surely bad is enough to undo; their sum is enough to go on, for some are seldom asked."""
    for name in measured.candidate.services if measured.candidate else ():
        part = trigger(
            replace(
                measured,
                stable=_part(measured.stable, name),
                candidate=_part(measured.candidate, name),
                baseline=_part(measured.baseline, name),
            ),
            limits,
        )
        if part.verdict is Verdict.UNHEALTHY:
            return replace(part, said=f"{name}: {part.said}")
    return trigger(measured, limits)


def _part(traffic: Traffic | None, service: str) -> Traffic | None:
    return traffic.services.get(service) if traffic else None


def _error_rate(measured: Measurements, limits: Limits) -> Judgement:
    name, bound, candidate = "error-rate", limits.error_share, measured.candidate
    if candidate is None:
        return unknown(name, bound, UNREAD)
    if candidate.requests < limits.least_requests:
        return few(name, bound, "requests to the candidate", candidate.requests, limits.least_requests)
    counted = Counted(candidate.errors, candidate.requests)
    found = judged(name, counted, bound, limits, f"{candidate.errors} of {candidate.requests} answers were errors")
    if found.verdict is Verdict.UNHEALTHY and measured.stable and _as_bad(counted, measured.stable, limits):
        beside = f"{measured.stable.errors} of {measured.stable.requests} of the stable release"
        said = f"{found.said}, and {beside}: undoing would not help, look at what both depend on"
        return replace(found, verdict=Verdict.INCONCLUSIVE, said=said)
    return found


def _as_bad(candidate: Counted, stable: Traffic, limits: Limits) -> bool:
    """Whether the stable release is about as bad in the same window: undoing does not help against what both lack."""
    if stable.requests < limits.least_requests:
        return False
    excused = limits.error_factor * stable.errors / stable.requests
    return lower(candidate.bad, candidate.of, limits.undo_confidence) <= excused


def _latency(measured: Measurements, limits: Limits) -> Judgement:
    name, bound, candidate = "latency", limits.latency_factor, measured.candidate
    if candidate is None:
        return unknown(name, bound, UNREAD)
    if (answers := _answers(candidate)) < limits.least_requests:
        return few(name, bound, "requests to the candidate", answers, limits.least_requests)
    stable = next((one for one in (measured.stable, measured.baseline) if _answers(one) >= limits.least_stable), None)
    if stable is None:
        known = max(_answers(measured.stable), _answers(measured.baseline))
        return few(name, bound, "requests to the stable release", known, limits.least_stable)

    usual, now = _p95(stable, limits), _p95(candidate, limits)
    counted = _slow(candidate, stable, limits)
    value = now / max(usual, limits.latency_floor_s / bound)
    share = 1 - limits.latency_quantile
    said = f"p95 {_time(now)}, of the stable release {_time(usual)}"
    found = verdict(counted, share, limits)
    if found is Verdict.INCONCLUSIVE:
        said += f", which is not sure of {answers} and {_answers(stable)} answers: {lacking(counted, share, limits)}"
    return Judgement(name, found, value, bound, said)


def _answers(traffic: Traffic | None) -> int:
    return sum(traffic.latencies.values()) if traffic else 0


def _p95(traffic: Traffic, limits: Limits) -> float:
    """As Prometheus tells it: where it lies in the bucket without an end, that bucket's start."""
    least, most = quantile(traffic.latencies, limits.latency_quantile)
    return least if most == math.inf else most


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _slow(candidate: Traffic, stable: Traffic, limits: Limits) -> Counted:
    """The candidate's answers that are slower than a healthy one's 95 % are to be.

    The stable release's p95 was counted as well: it lies between the values at the confidence bounds of that rank. To
    undo, an answer must be slower than allowed by the highest of these; to go on, faster than by the lowest.
    """
    answers = _answers(stable)
    rank = limits.latency_quantile * answers
    low, _ = quantile(stable.latencies, lower(rank, answers, limits.go_on_confidence))
    _, high = quantile(stable.latencies, upper(rank, answers, limits.go_on_confidence))
    surely, _ = above(candidate.latencies, max(limits.latency_factor * high, limits.latency_floor_s))
    _, perhaps = above(candidate.latencies, max(limits.latency_factor * low, limits.latency_floor_s))
    return Counted(surely, _answers(candidate), perhaps)
