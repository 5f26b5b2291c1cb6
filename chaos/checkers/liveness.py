"""Whether a saturated service still says that it lives, at once: restarting what is merely busy makes things worse."""

from collections.abc import Iterable, Sequence

from chaos.checkers.safely import enough, safely
from chaos.record import Finding, Outcome, Request, Verdict

CHECK = "liveness"
HEALTH = "health"


@safely(CHECK)
def liveness(
    requests: Iterable[Request], *, in_flight: int, within_s: float = 0.05, share: float = 0.99, least: int = 20
) -> Finding:
    """Every `/health` asked while `in_flight` other requests were under way is live, `share` of them in time."""
    known = list(requests)
    others = [request for request in known if request.operation != HEALTH]
    asked = [r for r in known if r.operation == HEALTH and under_way(others, r.started) >= in_flight]
    enough(len(asked), max(1, least), f"looks at {HEALTH} with {in_flight} requests under way")
    dead = [request.number for request in asked if request.outcome is not Outcome.LIVE]
    late = [request.number for request in asked if request.ended - request.started > within_s]
    slowest_s = max(request.ended - request.started for request in asked)
    failed = dead or len(late) > (1 - share) * len(asked)
    said = f"{len(asked)} looks at {HEALTH}: {len(dead)} failed, {len(late)} over {within_s:g} s"
    evidence = {"looks": len(asked), "dead": dead, "late": late, "slowest_s": slowest_s}
    return Finding(CHECK, Verdict.FAILED if failed else Verdict.PASSED, said, evidence)


def under_way(requests: Sequence[Request], at: float) -> int:
    """How many had begun and not ended."""
    return sum(request.started <= at < request.ended for request in requests)
