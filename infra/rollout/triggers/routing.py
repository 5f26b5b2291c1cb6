"""Routing: whether the gateway knows every route, asks the right releases, and each as often as it is to."""

from infra.rollout.judgement import Judgement, Verdict, worst
from infra.rollout.limits import Limits
from infra.rollout.measurements import Measurements, Routing
from infra.rollout.statistics import lower, upper
from infra.rollout.triggers.shares import Counted, few, judged, lacking, unknown

NAME = "routing"


def routing(measured: Measurements, limits: Limits) -> Judgement:
    """Probes that went astray, and the candidate's share of the others."""
    seen = measured.routing
    if seen is None:
        return unknown(NAME, limits.misrouted_share, "no probe was sent through the gateway")
    if seen.probes < limits.least_requests:
        return few(NAME, limits.misrouted_share, "probes of known routes", seen.probes, limits.least_requests)
    astray = seen.not_routed + seen.wrong_release
    said = f"of {seen.probes} probes {seen.not_routed} were not routed, {seen.wrong_release} met another release"
    lost = judged(NAME, Counted(astray, seen.probes), limits.misrouted_share, limits, said)
    return worst((lost, *_of_candidate(seen, limits), _weight(seen, seen.answered, limits)))


def _of_candidate(seen: Routing, limits: Limits) -> list[Judgement]:
    """What the candidate lost of the probes that came to it, where that is surely too much: of all it may be little."""
    asked = seen.by_candidate + seen.lost_by_candidate
    if asked < limits.least_requests:
        return []
    said = f"of {asked} probes that met the candidate it did not know the route of {seen.lost_by_candidate}"
    lost = judged(NAME, Counted(seen.lost_by_candidate, asked), limits.misrouted_share, limits, said)
    return [lost] if lost.verdict is Verdict.UNHEALTHY else []


def _weight(seen: Routing, answered: int, limits: Limits) -> Judgement:
    """The candidate's share of what was answered, off its weight by more than the tolerance to either side."""
    weight, tolerance = seen.weight, limits.weight_tolerance * min(seen.weight, 1 - seen.weight)
    share = seen.by_candidate / answered if answered else 0.0
    off, said = (
        abs(share - weight),
        f"the candidate answered {share:.1%} of {answered} probes, its weight is {weight:.1%}",
    )
    if tolerance == 0:
        found = Verdict.UNHEALTHY if answered and off else Verdict.HEALTHY if answered else Verdict.INCONCLUSIVE
        return Judgement(NAME, found, off, tolerance, said)

    def between(confidence: float) -> tuple[float, float]:
        return lower(seen.by_candidate, answered, confidence), upper(seen.by_candidate, answered, confidence)

    low, high = between(limits.undo_confidence)
    if low > weight + tolerance or high < weight - tolerance:
        return Judgement(NAME, Verdict.UNHEALTHY, off, tolerance, said)
    low, high = between(limits.go_on_confidence)
    if weight - tolerance < low and high < weight + tolerance:
        return Judgement(NAME, Verdict.HEALTHY, off, tolerance, said)
    counted = Counted(seen.by_candidate, answered)
    edge = weight + tolerance if share >= weight else weight - tolerance
    more = lacking(counted, edge, limits)
    return Judgement(NAME, Verdict.INCONCLUSIVE, off, tolerance, f"{said}: {more}")
