"""Whether a saturated service still says that it lives, at once: restarting what is merely busy makes things worse."""

from collections.abc import Iterable, Sequence

from chaos.checkers.safely import NoEvidenceError, enough, safely
from chaos.record import Finding, Outcome, Request, Verdict

CHECK = "liveness"
HEALTH = "health"


@safely(CHECK)
def liveness(
    requests: Iterable[Request], *, in_flight: int, within_s: float = 0.05, share: float = 0.99, least: int = 20
) -> Finding:
    """Every `/health` asked while `in_flight` other requests were under way is live, `share` of them in time.

    A look that was late for no longer than the load generator was held up meanwhile tells nothing of the service.
    """
    known = list(requests)
    others = [request for request in known if request.operation != HEALTH]
    asked = [r for r in known if r.operation == HEALTH and under_way(others, r.started) >= in_flight]
    enough(len(asked), max(1, least), f"looks at {HEALTH} with {in_flight} requests under way")
    dead = [request.number for request in asked if request.outcome is not Outcome.LIVE]
    over = [request for request in asked if _took_s(request) > within_s]
    late = [request.number for request in over if _took_s(request) - held_up_s(known, request) > within_s]
    slowest_s = max(map(_took_s, asked))
    allowed = (1 - share) * len(asked)
    said = f"{len(asked)} looks at {HEALTH}: {len(dead)} failed, {len(over)} over {within_s:g} s"
    if not dead and len(late) <= allowed < len(over):
        raise NoEvidenceError(f"{said}, {len(over) - len(late)} of them held up by the load generator itself")
    failed = dead or len(late) > allowed
    evidence = {"looks": len(asked), "dead": dead, "late": late, "slowest_s": slowest_s}
    return Finding(CHECK, Verdict.FAILED if failed else Verdict.PASSED, said, evidence)


def held_up_s(requests: Iterable[Request], look: Request) -> float:
    """For how long the load generator ran late while `look` was under way: its starts that were due then tell."""
    due = (r.started - r.intended for r in requests if look.started <= r.intended < look.ended)
    return max(due, default=0.0)


def _took_s(request: Request) -> float:
    return request.ended - request.started


def under_way(requests: Sequence[Request], at: float) -> int:
    """How many had begun and not ended."""
    return sum(request.started <= at < request.ended for request in requests)
