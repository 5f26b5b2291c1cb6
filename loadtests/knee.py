"""The knee: the highest step of a rising load that holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.record import Finding, Verdict
from infra.observability.slo import Slo
from loadtests.verdict import Judged

IN_A_ROW = 2  # steps that do not hold, after which going on shows nothing new


@dataclass(frozen=True)
class Knee:
    """`holds` is the highest rate of which every step up to it held; `breaks` that of the next step, if it was made.

    `limited` says that the generator was at its limit in that step, so that the stack may do more.
    """

    holds: float | None
    breaks: float | None
    limited: bool


def holds(step: Judged, slo: Slo) -> bool:
    """Whether the stack kept up in a step: the rate, no errors, and the 95th percentile."""
    measured = step.measured
    return (
        measured.whole.requests > 0
        and measured.achieved_share >= slo.generator.achieved_share
        and measured.whole.error_share <= slo.load.error_share
        and measured.whole.quantiles["p95"] <= slo.load.p95_s
    )


def limited(step: Judged, slo: Slo) -> bool:
    """Whether the generator had no CPU time to spare."""
    return step.measured.generator_cpu > slo.generator.cpu_share


def found(steps: Sequence[Judged], slo: Slo) -> Knee:
    """The knee by the steps that were made, in their order."""
    last = None
    for step in steps:
        if limited(step, slo) or not holds(step, slo):
            return Knee(last, step.stage.end, limited(step, slo))
        last = step.stage.end
    return Knee(last, None, limited=False)


def past(steps: Sequence[Judged], slo: Slo) -> bool:
    """Whether the load may end, because its last steps did not hold."""
    last = steps[-IN_A_ROW:]
    return len(last) == IN_A_ROW and not any(holds(step, slo) and not limited(step, slo) for step in last)


def findings(knee: Knee, slo: Slo) -> list[Finding]:
    """What the knee says of the promised rate, and whether it was found."""
    rate = slo.load.rate
    held = knee.holds or 0.0
    enough = held >= rate
    short = Verdict.UNKNOWN if knee.limited or knee.breaks is None else Verdict.FAILED
    return [
        Finding(
            "knee: promised rate",
            Verdict.PASSED if enough else short,
            f"{held:g} requests a second hold, {rate:g} are promised",
        ),
        Finding("knee: found", Verdict.PASSED if knee.breaks and not knee.limited else Verdict.UNKNOWN, said(knee)),
    ]


def said(knee: Knee) -> str:
    """The knee in words."""
    held = "not even the first step holds" if knee.holds is None else f"{knee.holds:g} requests a second hold"
    if knee.breaks is None:
        return f"{held}; no step was made that does not"
    if knee.limited:
        return f"{held}; at {knee.breaks:g} the generator itself had too little CPU, so the stack may do more"
    return f"{held}, {knee.breaks:g} do not"
