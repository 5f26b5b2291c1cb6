"""Whether the load was the one intended: what a generator that could not keep up has measured is no proof."""

from collections.abc import Iterable

from chaos.checkers.safely import NoEvidenceError, safely
from chaos.load import pace
from chaos.record import Finding, Request, Verdict

CHECK = "load-pace"
LEAST = 0.95  # of the intended rate, and of the starts in time


@safely(CHECK)
def load_pace(requests: Iterable[Request]) -> Finding:
    """Passes where the load kept its rate and its rhythm; otherwise nothing that rests on it is known."""
    kept = pace(requests)
    in_time = 1 - kept.late / kept.requests
    said = f"{kept.rate:.1%} of the intended rate, {in_time:.1%} of {kept.requests} starts in time"
    if min(kept.rate, in_time) < LEAST:
        raise NoEvidenceError(said)
    return Finding(CHECK, Verdict.PASSED, said, vars(kept))
