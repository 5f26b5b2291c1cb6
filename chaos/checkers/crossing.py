"""Whether requests demonstrably met the fault: a fault that nothing crossed proves nothing."""

from collections.abc import Collection

from chaos.checkers.safely import enough, safely
from chaos.record import Finding, Verdict
from chaos.scorecard.measures import CROSSED
from infra.probes.metrics import Snapshot, delta, total

CHECK = "crossing"
ATTEMPTS = "dependency_attempt_seconds"


@safely(CHECK)
def crossing(
    before: Snapshot,
    after: Snapshot,
    *,
    dependency: str,
    outcomes: Collection[str] = (),
    slower_than_s: float | None = None,
    least: int,
) -> Finding:
    """Attempts between two snapshots that bear the fault's mark: they ended with one of `outcomes`, or took longer.

    Fewer than `least`: unknown. Snapshots taken around the fault, not around the experiment, tell the most.
    """
    grown = delta(before, after)
    crossed = int(sum(total(grown, f"{ATTEMPTS}_count", dependency=dependency, outcome=mark) for mark in outcomes))
    if slower_than_s is not None:
        crossed += slower(grown, dependency, slower_than_s, besides=outcomes)
    marks = [*outcomes, *([] if slower_than_s is None else [f"over {slower_than_s:g} s"])]
    enough(crossed, least, f"attempts at {dependency} bear the fault's mark ({', '.join(marks)})")
    return Finding(CHECK, Verdict.PASSED, f"{crossed} attempts at {dependency} met the fault", {CROSSED: crossed})


def slower(grown: Snapshot, dependency: str, seconds: float, *, besides: Collection[str] = ()) -> int:
    """The attempts that surely took longer, by the histogram's next bound above; those of outcomes `besides` not."""
    counted = 0.0
    for series, value in grown.items():
        labels = dict(series.labels)
        if labels.get("dependency") != dependency or labels.get("outcome") in besides:
            continue
        if series.name == f"{ATTEMPTS}_count":
            counted += value
        elif series.name == f"{ATTEMPTS}_bucket" and float(labels["le"]) == _bound(grown, seconds):
            counted -= value
    return int(counted)


def _bound(grown: Snapshot, seconds: float) -> float:
    bounds = {float(dict(series.labels)["le"]) for series in grown if series.name == f"{ATTEMPTS}_bucket"}
    return min((bound for bound in bounds if bound >= seconds), default=float("inf"))
