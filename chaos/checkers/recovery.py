"""How long the stack takes from the end of a fault until it is steady again."""

from collections.abc import Iterable

from chaos.checkers.safely import NoEvidenceError, safely
from chaos.checkers.steady import Steady, measure
from chaos.record import Finding, Request, Verdict

CHECK = "recovery"
WINDOW_S = 2.0  # of requests looked at together
STEP_S = 0.5


@safely(CHECK)
def recovery(requests: Iterable[Request], *, healed: float, within_s: float, steady: Steady) -> Finding:
    """From `healed` to the first moment after which every window is steady. `steady.least` counts for each window."""
    after = sorted((r for r in requests if r.intended >= healed), key=lambda r: r.intended)
    if not after or after[-1].intended - healed < WINDOW_S:
        raise NoEvidenceError(f"the requests end within {WINDOW_S:g} s of healing")
    windows = int((after[-1].intended - healed - WINDOW_S) / STEP_S) + 1
    recovered: float | None = None
    for start in (healed + number * STEP_S for number in range(windows)):
        window = [r for r in after if start <= r.intended < start + WINDOW_S]
        if not measure(window, steady.least).meets(steady):
            recovered = None
        elif recovered is None:
            recovered = start
    if recovered is None:
        return _not_yet(after[-1].intended - healed, within_s)
    seconds = recovered - healed
    verdict = Verdict.PASSED if seconds <= within_s else Verdict.FAILED
    return Finding(
        CHECK, verdict, f"steady {seconds:.1f} s after healing; {within_s:g} s allowed", {"seconds": seconds}
    )


def _not_yet(watched_s: float, within_s: float) -> Finding:
    said = f"not steady in the {watched_s:.1f} s watched after healing; {within_s:g} s allowed"
    return Finding(CHECK, Verdict.FAILED if watched_s >= within_s + WINDOW_S else Verdict.UNKNOWN, said)
