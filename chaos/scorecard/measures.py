"""The numbers of an experiment: what callers got, how long they waited, how long recovery took."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.record import GOOD, Outcome, Request, Result

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BAD = frozenset({Outcome.UNAVAILABLE, Outcome.ERROR, Outcome.LOST})
STEADY = 10  # good answers in a row after which an experiment counts as recovered
CROSSED = "crossed"  # the key in a finding's evidence of how many attempts at a dependency met the fault


@dataclass(frozen=True)
class Phase:
    """The requests of one part of an experiment; `quantiles` are seconds that callers waited, whatever they got."""

    requests: int
    outcomes: Mapping[Outcome, int]
    quantiles: Mapping[str, float]

    @property
    def error_share(self) -> float:
        """The share, 0 to 1, that got neither a success nor a refusal of their own making."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in BAD) / self.requests


def phases(result: Result) -> dict[str, Phase]:
    """All requests, and those before, during and after the faults, by their intended start; without the empty ones.

    "during" reaches from the first fault to the end of the last one; a fault without an end lasts to the end.
    """
    began = min((window.started for window in result.windows), default=math.inf)
    healed = max((math.inf if window.ended is None else window.ended for window in result.windows), default=math.inf)
    parts = {
        "all": result.requests,
        "before": [request for request in result.requests if request.intended < began],
        "during": [request for request in result.requests if began <= request.intended < healed],
        "after": [request for request in result.requests if request.intended >= healed],
    }
    return {name: _phase(part) for name, part in parts.items() if part}


def _phase(requests: Sequence[Request]) -> Phase:
    counts = Counter(request.outcome for request in requests)
    waited = sorted(request.seconds for request in requests)
    return Phase(
        requests=len(requests),
        outcomes={outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
        quantiles={name: quantile(waited, share) for name, share in QUANTILES.items()},
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of ordered values, which is one of them; there must be at least one."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def recovery_s(result: Result) -> float | None:
    """Seconds from the end of the last fault to the last answer that was not good; 0 if all were good at once.

    Recovered is who gives ten good answers (live or cached) in a row, refusals aside. None if that was not seen.
    """
    ends = [window.ended for window in result.windows]
    if not ends or None in ends:
        return None
    healed = max(end for end in ends if end is not None)
    last_bad, in_a_row = healed, 0
    for request in sorted(result.requests, key=lambda request: request.ended):
        if request.ended < healed or request.outcome is Outcome.REFUSED:
            continue
        if request.outcome in GOOD:
            in_a_row += 1
            if in_a_row == STEADY:
                return last_bad - healed
        else:
            last_bad, in_a_row = request.ended, 0
    return None


def crossed(result: Result) -> int | None:
    """How many attempts at dependencies met the faults, as the findings counted them; None if none counted."""
    counts = [count for finding in result.findings if type(count := finding.evidence.get(CROSSED)) is int]
    return sum(counts) if counts else None


def late_s(result: Result) -> float | None:
    """How late the generator of the load was at the 99th percentile; None without requests."""
    late = sorted(request.started - request.intended for request in result.requests)
    return quantile(late, 0.99) if late else None
