"""The steady state: what the stack is like when nothing is wrong, before a fault and after it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.checkers.safely import NoEvidenceError, enough, safely
from chaos.record import GOOD, Finding, Request, Verdict
from chaos.scorecard.measures import quantile
from infra.observability.slo import SLO

CHECK = "steady-state"


@dataclass(frozen=True)
class Steady:
    """What counts as steady: the share of good answers, their 95th percentile in seconds, of so many at least."""

    good_share: float = SLO.steady.good_share
    p95_s: float = SLO.steady.p95_s
    least: int = 20


@dataclass(frozen=True)
class Measured:
    """A stretch of requests in the terms of the steady state."""

    requests: int
    good_share: float
    p95_s: float

    def meets(self, steady: Steady) -> bool:
        """Whether it is steady."""
        return self.good_share >= steady.good_share and self.p95_s <= steady.p95_s

    def __str__(self) -> str:
        return f"{self.good_share:.1%} of {self.requests} good, p95 {self.p95_s * 1000:.0f} ms"


def measure(requests: Sequence[Request], least: int) -> Measured:
    """Raises NoEvidenceError for fewer than `least` requests, or for none."""
    enough(len(requests), max(1, least), "requests")
    good = sum(request.outcome in GOOD for request in requests)
    waited = sorted(request.seconds for request in requests)
    return Measured(len(requests), good / len(requests), quantile(waited, 0.95))


@safely(CHECK)
def steady_state(requests: Iterable[Request], *, before: float, after: float, steady: Steady) -> Finding:
    """Steady until `before`, by the requests that had ended, and from `after` on, by those that were to start then.

    Without a steady state to begin with, nothing that comes later proves anything.
    """
    known = list(requests)
    first = measure([request for request in known if request.ended < before], steady.least)
    last = measure([request for request in known if request.intended >= after], steady.least)
    if not first.meets(steady):
        raise NoEvidenceError(f"not steady before the fault: {first}")
    verdict = Verdict.PASSED if last.meets(steady) else Verdict.FAILED
    return Finding(CHECK, verdict, f"before: {first}; after: {last}", {"before": vars(first), "after": vars(last)})
