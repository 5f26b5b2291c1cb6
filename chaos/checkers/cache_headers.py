"""Whether answers say truthfully that they come from the cache."""

from collections.abc import Iterable, Iterator

from chaos.checkers.safely import enough, safely
from chaos.client import DEGRADED, FROM_CACHE, SUCCESSES
from chaos.record import Finding, Outcome, Request, Verdict

CHECK = "cache-headers"
SHOWN = 20  # of the answers at fault
_WANTED = {
    Outcome.LIVE: frozenset[str](),
    Outcome.CACHED: frozenset({FROM_CACHE}),
    Outcome.DEGRADED: frozenset({FROM_CACHE, DEGRADED}),
}


@safely(CHECK)
def cache_headers(requests: Iterable[Request], *, least: int = 1) -> Finding:
    """A stale answer has both headers, a fresh one from the cache the first, any other none; an honest 503 says when.

    `least` answers from the cache are needed.
    """
    answered = [request for request in requests if request.status is not None]
    wrong = [(request, said) for request in answered for said in faults(request)]
    cached = sum(request.outcome in {Outcome.CACHED, Outcome.DEGRADED} for request in answered)
    evidence = {
        "answers": len(answered),
        "from_cache": cached,
        "wrong": [{"number": r.number, "operation": r.operation, "said": said} for r, said in wrong[:SHOWN]],
    }
    if wrong:
        first, said = wrong[0]
        whole = f"{len(wrong)} answers at fault; request {first.number}: {said}"
        return Finding(CHECK, Verdict.FAILED, whole, evidence)
    enough(cached, least, "answers from the cache")
    return Finding(
        CHECK, Verdict.PASSED, f"{cached} of {len(answered)} answers came from the cache and said so", evidence
    )


def faults(request: Request) -> Iterator[str]:
    """What is wrong with the headers of an answer."""
    there = frozenset({FROM_CACHE, DEGRADED} & request.headers.keys())
    for name in sorted(there):
        if request.headers[name] != "true":
            yield f"{name} is {request.headers[name]!r}"
    if DEGRADED in there and FROM_CACHE not in there:
        yield f"{DEGRADED} without {FROM_CACHE}"
    if request.outcome not in SUCCESSES and there:
        yield f"{request.outcome} with {', '.join(sorted(there))}"
    if request.outcome in SUCCESSES and there != _WANTED[request.outcome]:
        yield f"{request.outcome} with {', '.join(sorted(there)) or 'neither header'}"
    if request.status == 503 and not request.headers.get("retry-after", "").isdecimal():
        yield f"503 with Retry-After {request.headers.get('retry-after')!r}"
