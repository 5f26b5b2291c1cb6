"""Whether circuit breakers keep their laws."""

from collections import Counter
from collections.abc import Mapping, Sequence

from chaos.checkers.breaker_events import BreakerEvent, Kind
from chaos.checkers.breaker_laws import Rule, violations
from chaos.checkers.safely import enough, safely
from chaos.record import Finding, Verdict

CHECK = "breaker-conformance"
SHOWN = 20  # violations


@safely(CHECK)
def breaker_conformance(
    histories: Mapping[str, Sequence[BreakerEvent]], *, rule: Rule, least_trips: int = 1
) -> Finding:
    """Each breaker's history, by its name, against the laws. Breakers that never opened show little: unknown."""
    counts = Counter(event.kind.value for events in histories.values() for event in events)
    broken = [(name, violation) for name, events in histories.items() for violation in violations(events, rule)]
    evidence = {
        "events": dict(counts),
        "laws": sorted({violation.law.value for _, violation in broken}),
        "violations": [{"breaker": name, **vars(violation)} for name, violation in broken[:SHOWN]],
    }
    if broken:
        name, first = broken[0]
        said = f"{name} breaks {first.law} at {first.at:.3f} s: {first.said}; {len(broken)} violations in all"
        return Finding(CHECK, Verdict.FAILED, said, evidence)
    enough(counts[Kind.OPEN], least_trips, "openings")
    said = f"{sum(counts.values())} events of {len(histories)} breakers keep the laws; {counts[Kind.OPEN]} openings"
    return Finding(CHECK, Verdict.PASSED, said, evidence)
