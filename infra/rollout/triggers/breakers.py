"""False trips: the share of the candidate's trips at whose moment the dependency worked."""

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import Limits
from infra.rollout.measurements import Measurements
from infra.rollout.triggers.shares import Counted, few, judged, unknown


def false_trips(measured: Measurements, limits: Limits) -> Judgement:
    """Few trips say little about their share, but none in many calls is what a healthy release has."""
    name, bound, trips = "false-trips", limits.false_share, measured.trips
    if trips is None:
        return unknown(name, bound, "the metrics of the candidate's breakers were not read")
    if trips.trips == 0:
        if trips.calls < limits.least_calls:
            return few(name, bound, "calls through the candidate's breakers", trips.calls, limits.least_calls)
        return Judgement(name, Verdict.HEALTHY, 0.0, bound, f"no trip in {trips.calls} calls")
    if trips.trips < limits.least_trips:
        return few(name, bound, f"trips, {trips.false} of them false", trips.trips, limits.least_trips)
    return judged(
        name, Counted(trips.false, trips.trips), bound, limits, f"{trips.false} of {trips.trips} trips were false"
    )
