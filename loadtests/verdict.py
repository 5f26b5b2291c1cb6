"""Whether a load was what it was meant to be, and the stack what it promises: findings, by the figures of the SLO."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.record import Finding, Outcome, Verdict
from infra.observability.slo import Slo
from infra.pages.text import duration, plural
from loadtests.measure import Asked, Measured, measure
from loadtests.mix import OPERATIONS
from loadtests.samples import Samples
from loadtests.shapes import Shape, Stage, spans

LEAST = 20  # requests of an operation, below which a 95th percentile is one of them
CACHED = tuple(operation.name for operation in OPERATIONS if operation.cached)


@dataclass(frozen=True)
class Judged:
    """A stage with its numbers and what was found."""

    stage: Stage
    measured: Measured
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The heaviest of the findings'."""
        return Verdict.worst(finding.verdict for finding in self.findings)


def ended(planned: Sequence[Stage], until: float) -> list[tuple[Stage, float, float]]:
    """The stages to be judged that were over at `until`, with their begin and end."""
    return [each for each in spans(planned) if each[0].judged and each[2] <= until]


def judge(
    shape: Shape, planned: Sequence[Stage], span: tuple[Stage, float, float], samples: Samples, slo: Slo
) -> Judged:
    """A stage that is over, with its findings."""
    stage, begin, end = span
    measured = measure(samples, planned, begin, end)
    return Judged(stage, measured, tuple(_findings(shape, stage, measured, slo)))


def _findings(shape: Shape, stage: Stage, measured: Measured, slo: Slo) -> Iterator[Finding]:
    generator = list(_generator(stage.name, measured, slo))
    proves = all(finding.verdict is Verdict.PASSED for finding in generator)
    yield from generator
    yield from _cache(stage.name, measured, slo)
    yield _errors(stage.name, measured, slo)
    if shape.mix == "reads":
        yield _latency(f"{stage.name}: p95", measured.whole, slo.load.p95_s, proves=proves)
    for name, asked in sorted(measured.operations.items()):
        if asked.requests >= LEAST:
            limit = slo.load.operations[name]
            yield _latency(f"{stage.name}: p95 of {name}", asked, limit, proves=proves)


def _generator(name: str, measured: Measured, slo: Slo) -> Iterator[Finding]:
    """Whether the load was what it was meant to be; what is not proves nothing about the stack."""
    limits = slo.generator
    evidence = {"intended a second": round(measured.intended, 1), "achieved a second": round(measured.achieved, 1)}
    yield Finding(
        f"{name}: rate",
        _known(measured.achieved_share >= limits.achieved_share),
        f"{measured.achieved_share:.1%} of the intended rate, at least {limits.achieved_share:.0%} wanted",
        evidence,
    )
    yield Finding(
        f"{name}: generator",
        _known(measured.generator_cpu <= limits.cpu_share),
        f"its busiest process took {measured.generator_cpu:.0%} of a core, at most {limits.cpu_share:.0%} wanted",
    )
    yield Finding(
        f"{name}: starts",
        _known(measured.late_p95_s <= limits.late_p95_s),
        f"with a slot free, 95 of 100 were at most {duration(measured.late_p95_s)} late, "
        f"{duration(limits.late_p95_s)} wanted; later ones say that the generator had to wait for a core",
    )
    limited = measured.whole.outcomes.get(Outcome.REFUSED, 0)
    if limited:
        yield Finding(
            f"{name}: refused",
            Verdict.UNKNOWN,
            f"{plural(limited, 'request')} refused with a 4xx; are the gateway's limits those of a load stack?",
        )


def _cache(name: str, measured: Measured, slo: Slo) -> Iterator[Finding]:
    """Whether the load took the path that it was meant to take; what it measured on another one holds all the same."""
    limits = slo.generator
    cached = [measured.operations[each] for each in CACHED if each in measured.operations]
    if asked := sum(each.requests for each in cached):
        share = sum(each.outcomes.get(Outcome.CACHED, 0) for each in cached) / asked
        yield Finding(
            f"{name}: cache",
            _known(share >= limits.cached_share),
            f"{share:.1%} of what was asked before came from the cache, at least {limits.cached_share:.0%} wanted",
        )


def _errors(name: str, measured: Measured, slo: Slo) -> Finding:
    whole, limit = measured.whole, slo.load.error_share
    verdict = Verdict.FAILED if whole.error_share > limit else Verdict.PASSED if whole.requests else Verdict.UNKNOWN
    return Finding(
        f"{name}: errors",
        verdict,
        f"{plural(whole.wrong, 'error')} in {plural(whole.requests, 'request')}, at most {limit:.2%} promised",
        {str(outcome): count for outcome, count in whole.outcomes.items()},
    )


def _latency(check: str, asked: Asked, limit: float, *, proves: bool) -> Finding:
    if not asked.requests:
        return Finding(check, Verdict.UNKNOWN, "nothing was asked")
    met = asked.quantiles["p95"] <= limit
    verdict = Verdict.UNKNOWN if not proves else Verdict.PASSED if met else Verdict.FAILED
    said = f"{duration(asked.quantiles['p95'])}, at most {duration(limit)} promised"
    evidence = {name: duration(seconds) for name, seconds in asked.quantiles.items()}
    return Finding(check, verdict, said if proves else f"{said}; the load was not what it was meant to be", evidence)


def _known(held: bool) -> Verdict:
    return Verdict.PASSED if held else Verdict.UNKNOWN
