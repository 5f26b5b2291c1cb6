"""What a run of the suite records: plain data, written by the experiments, read by checkers, scorecard and replay.

Times are seconds since the experiment began, from a monotonic clock, unless a field says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter


class Verdict(StrEnum):
    """What a check says. Failed outweighs unknown, unknown outweighs passed."""

    PASSED = "passed"
    UNKNOWN = "unknown"
    FAILED = "failed"

    @classmethod
    def worst(cls, verdicts: "Iterable[Verdict]") -> "Verdict":
        """The heaviest of them; unknown where there is none, for nothing was checked."""
        order = list(cls)
        return max(verdicts, key=order.index, default=cls.UNKNOWN)


class Outcome(StrEnum):
    """What a caller got."""

    LIVE = "live"  # a success, computed now
    CACHED = "cached"  # a success with X-From-Cache alone
    DEGRADED = "degraded"  # a success with X-From-Cache and X-Service-Degraded: a stale answer
    REFUSED = "refused"  # 4xx
    UNAVAILABLE = "unavailable"  # 503 with Retry-After
    ERROR = "error"  # any other answer
    LOST = "lost"  # no whole answer: what became of the request is unknown


GOOD = frozenset({Outcome.LIVE, Outcome.CACHED})
"""What a caller gets when all is well: a stale answer is a success, and no steady state."""


@dataclass(frozen=True)
class Request:
    """One request of the load, or of a probe. `started - intended` is how late the generator was."""

    number: int
    operation: str  # its name in the outage contract, such as "search"
    intended: float
    started: float
    ended: float
    status: int | None  # None: no answer
    outcome: Outcome
    headers: Mapping[str, str] = field(default_factory=dict)  # those that the contract speaks of, in lower case
    error: str | None = None  # why there is no answer
    about: Mapping[str, Any] = field(default_factory=dict)  # what a checker needs of question and answer

    @property
    def seconds(self) -> float:
        """From the intended start to the end, so that a generator held up by a fault hides nothing."""
        return self.ended - self.intended


@dataclass(frozen=True)
class Window:
    """A fault's time: in force from `started` (it has been read back) to `ended` (healing began)."""

    fault: str  # as the fault describes itself, such as "latency 800±50 ms on query->ollama"
    kind: str
    target: str  # an edge or a component
    started: float
    ended: float | None = None


@dataclass(frozen=True)
class Sample:
    """A value read from a component's metrics, such as a breaker's state."""

    at: float
    source: str  # the component
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Finding:
    """What one check found; `evidence` are the numbers and requests that it rests on."""

    check: str
    verdict: Verdict
    said: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """An experiment as it went."""

    name: str
    title: str
    proves: tuple[str, ...]  # decisions, risks and questions of the design, as `chaos.design` names them
    began_at: datetime
    seconds: float
    requests: tuple[Request, ...]
    windows: tuple[Window, ...]
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]
    clean_up: Finding  # beside the verdict: a fault that could not be healed neither changes nor hides it

    @property
    def trouble(self) -> list[str]:
        """Each finding that did not pass, in a line."""
        return [f"{f.check} {f.verdict}: {f.said}" for f in self.findings if f.verdict is not Verdict.PASSED]

    @property
    def verdict(self) -> Verdict:
        """The heaviest of the findings'."""
        return Verdict.worst(finding.verdict for finding in self.findings)


@dataclass(frozen=True)
class Run:
    """One run of the suite; its results lie beside it, a file each."""

    id: str
    began_at: datetime
    quick: bool
    seed: int
    stack: Mapping[str, str]  # each component and the implementation that ran
    settings: Mapping[str, str]


RESULT = TypeAdapter(Result)
RUN = TypeAdapter(Run)


def save_run(folder: Path, run: Run) -> None:
    """Write `run.json` into the run's folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(RUN.dump_json(run, indent=2))


def save_result(folder: Path, result: Result) -> None:
    """Write the experiment's record into the run's folder, as `<name>.result.json`."""
    (folder / f"{result.name}.result.json").write_bytes(RESULT.dump_json(result))


def load(folder: Path) -> tuple[Run, list[Result]]:
    """A run and its results in the order in which they ran; raises OSError or ValidationError for a broken folder."""
    run = RUN.validate_json((folder / "run.json").read_bytes())
    results = [RESULT.validate_json(path.read_bytes()) for path in folder.glob("*.result.json")]
    return run, sorted(results, key=lambda result: result.began_at)
