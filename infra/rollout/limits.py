"""What the triggers compare with: the one place where each figure stands."""

from dataclasses import dataclass

from infra.observability.slo import SLO

CRITICAL = ("search", "query", "ingest", "list", "rotate")
"""What must work at the candidate: the design's smoke checks."""


RECENT_LOOKS = 2
"""So far back reaches what is judged beside a step's whole window: what turns bad late is soon most of it."""


@dataclass(frozen=True)
class Limits:
    """The bounds of the seven triggers, and how sure one has to be."""

    # the design's
    error_share: float = SLO.alerts.error_share
    latency_factor: float = 2.0  # times the stable release's
    latency_quantile: float = 0.95
    false_share: float = SLO.alerts.breaker_false_positive_share

    # where the design names no figure
    error_factor: float = 2.0  # times the stable release's share at that time: fewer are what both of them lack
    latency_floor_s: float = 0.01  # 2 ms and 5 ms are the same to a caller
    misrouted_share: float = 0.02  # one route of twenty is lost at more than twice this
    weight_tolerance: float = 0.5  # of the smaller of the two releases' shares: 10 percent may be 5 to 15
    fails_in_a_row: int = 2  # of a critical function

    # the least that says anything
    least_requests: int = 30  # of the candidate, and of probes
    least_stable: int = 100  # of the stable release: five of them are beyond its p95
    least_baseline: int = 300  # of it before it gets none: fifteen beyond its p95, and to wait for them harms nobody
    least_trips: int = 3
    least_calls: int = 100  # through breakers, where none tripped

    # a window is judged again and again, and undoing a good release is to be seldom
    undo_confidence: float = 0.999
    go_on_confidence: float = 0.99


LIMITS = Limits()
