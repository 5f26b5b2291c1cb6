"""A load run in short: verdict, findings and numbers. Every form of the report shows this."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter

from chaos.record import Finding, Verdict
from infra.observability.slo import SLO, Slo
from infra.topology import topology
from loadtests import knee, verdict
from loadtests.measure import Measured, measure
from loadtests.record import Run
from loadtests.samples import Samples
from loadtests.shapes import SHAPES, length
from loadtests.usage import Used
from loadtests.verdict import Judged

VERSION = 1  # of the schema of summary.json: grows when a field changes its meaning or goes
TENTH = 10
WARM_UP = 4  # the first quarter of a load, which fills caches and pools
GROWS_S = 600.0  # a shorter load says nothing about growth
COMMON_ERRORS = 10


@dataclass(frozen=True)
class Component:
    """What a component used while the load lasted: cores on average and at most, MiB once warm and at the end."""

    name: str
    cores: float
    cores_most: float
    memory_mb: float
    memory_end_mb: float


@dataclass(frozen=True)
class Problem:
    """What was wrong with some answers, and with how many."""

    operation: str
    why: str
    count: int


@dataclass(frozen=True)
class Summary:
    """A load run in short."""

    version: int
    run: Run
    verdict: Verdict
    findings: tuple[Finding, ...]
    knee: knee.Knee | None
    whole: Measured
    stages: tuple[Judged, ...]
    components: tuple[Component, ...]
    problems: tuple[Problem, ...]


SUMMARY = TypeAdapter(Summary)


def summarize(run: Run, samples: Samples, used: Sequence[Used], slo: Slo = SLO) -> Summary:
    """The run in short, judged by the SLO."""
    shape = SHAPES[run.shape]
    ended = verdict.ended(run.stages, samples.until)
    stages = [verdict.judge(shape, run.stages, each, samples, slo) for each in ended]
    components = tuple(_components(used))
    reached = knee.found(stages, slo) if shape.knee else None
    findings = knee.findings(reached, slo) if reached else [each for stage in stages for each in stage.findings]
    if length(run.stages) >= GROWS_S:
        findings += _growth(components, slo)
    return Summary(
        version=VERSION,
        run=run,
        verdict=Verdict.worst(finding.verdict for finding in findings),
        findings=tuple(findings),
        knee=reached,
        whole=measure(samples, run.stages, 0, min(length(run.stages), max(samples.until, 1))),
        stages=tuple(stages),
        components=components,
        problems=tuple(Problem(*about, count) for about, count in samples.errors.most_common(COMMON_ERRORS)),
    )


def _components(used: Sequence[Used]) -> Iterator[Component]:
    ordered = sorted(used, key=lambda each: each.component)
    for name, group in groupby(ordered, key=lambda each: each.component):
        readings = sorted(group, key=lambda each: each.at)
        tenth, warm = max(1, len(readings) // TENTH), len(readings) // WARM_UP
        cores = [each.cores for each in readings]
        yield Component(
            name,
            fmean(cores),
            max(cores),
            fmean(each.memory_mb for each in readings[warm : warm + tenth]),
            fmean(each.memory_mb for each in readings[-tenth:]),
        )


def _growth(components: Sequence[Component], slo: Slo) -> Iterator[Finding]:
    limits = {component.name: component.limits for component in topology().components}
    for each in components:
        if each.name not in limits or not each.memory_mb:
            continue
        filling = slo.load.memory_fill_share * limits[each.name].memory_mb
        most = each.memory_mb + max(slo.load.memory_growth_share * each.memory_mb, filling)
        yield Finding(
            f"memory of {each.name}",
            Verdict.PASSED if each.memory_end_mb <= most else Verdict.FAILED,
            f"{each.memory_mb:.0f} MiB once warm, {each.memory_end_mb:.0f} at last; at most {most:.0f} promised",
        )


def save(folder: Path, summary: Summary) -> None:
    """Write `summary.json` into the run's folder."""
    (folder / "summary.json").write_bytes(SUMMARY.dump_json(summary, indent=2))
