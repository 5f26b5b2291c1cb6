"""A run in short: verdicts, findings and measured numbers, without the single requests. The other forms show this."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from chaos.design import DESIGN
from chaos.record import Finding, Outcome, Result, Run, Verdict, Window
from chaos.scorecard.measures import Phase, crossed, late_s, phases, recovery_s

VERSION = 1  # of the schema of summary.json: grows when a field changes its meaning or goes
STAND_IN = "stand-in"  # what the name of an implementation contains that is not the real thing


@dataclass(frozen=True)
class Experiment:
    """An experiment without its requests and samples."""

    name: str
    title: str
    proves: tuple[str, ...]
    verdict: Verdict
    seconds: float
    crossed: int | None
    recovery_s: float | None
    late_s: float | None
    phases: Mapping[str, Phase]
    windows: tuple[Window, ...]
    findings: tuple[Finding, ...]
    clean_up: Finding

    @property
    def reasons(self) -> list[Finding]:
        """The findings that keep it from having passed, the heaviest first."""
        order = list(Verdict)
        open_ones = (finding for finding in self.findings if finding.verdict is not Verdict.PASSED)
        return sorted(open_ones, key=lambda finding: -order.index(finding.verdict))


@dataclass(frozen=True)
class Decision:
    """A decision of the design and the experiments that speak of it; no verdict where there is none."""

    key: str
    says: str
    verdict: Verdict | None
    experiments: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """Counts over all experiments; `seconds` from the run's beginning to the end of the last one."""

    experiments: int
    verdicts: Mapping[Verdict, int]
    clean_ups_failed: int
    requests: int
    outcomes: Mapping[Outcome, int]
    seconds: float


@dataclass(frozen=True)
class Summary:
    """A run in short."""

    version: int
    run: Run
    verdict: Verdict
    totals: Totals
    decisions: tuple[Decision, ...]
    experiments: tuple[Experiment, ...]


SUMMARY = TypeAdapter(Summary)


def summarize(run: Run, results: Sequence[Result]) -> Summary:
    """The run in short; a run without experiments proves nothing and is unknown."""
    experiments = tuple(_experiment(result) for result in results)
    return Summary(
        version=VERSION,
        run=run,
        verdict=Verdict.worst(experiment.verdict for experiment in experiments),
        totals=_totals(run, results),
        decisions=_decisions(experiments),
        experiments=experiments,
    )


def _experiment(result: Result) -> Experiment:
    return Experiment(
        name=result.name,
        title=result.title,
        proves=result.proves,
        verdict=result.verdict,
        seconds=result.seconds,
        crossed=crossed(result),
        recovery_s=recovery_s(result),
        late_s=late_s(result),
        phases=phases(result),
        windows=result.windows,
        findings=result.findings,
        clean_up=result.clean_up,
    )


def _totals(run: Run, results: Sequence[Result]) -> Totals:
    verdicts = Counter(result.verdict for result in results)
    outcomes = Counter(request.outcome for result in results for request in result.requests)
    ends = [(result.began_at - run.began_at).total_seconds() + result.seconds for result in results]
    return Totals(
        experiments=len(results),
        verdicts={verdict: verdicts[verdict] for verdict in Verdict},
        clean_ups_failed=sum(result.clean_up.verdict is not Verdict.PASSED for result in results),
        requests=outcomes.total(),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        seconds=max(ends, default=0.0),
    )


def _decisions(experiments: Sequence[Experiment]) -> tuple[Decision, ...]:
    named = dict.fromkeys(key for experiment in experiments for key in experiment.proves)
    decisions = []
    for key in {**DESIGN, **named}:
        proving = [experiment for experiment in experiments if key in experiment.proves]
        verdict = Verdict.worst(experiment.verdict for experiment in proving) if proving else None
        names = tuple(experiment.name for experiment in proving)
        decisions.append(Decision(key, DESIGN.get(key, key), verdict, names))
    return tuple(decisions)


def save(folder: Path, summary: Summary) -> None:
    """Write `summary.json` into the run's folder."""
    (folder / "summary.json").write_bytes(SUMMARY.dump_json(summary, indent=2))
