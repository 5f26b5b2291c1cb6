"""Runs that never ran, for the tests of what shows them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from chaos.record import Finding, Outcome, Request, Result, Run, Sample, Verdict, Window

BEGAN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
STATUS = {
    Outcome.LIVE: 200,
    Outcome.CACHED: 200,
    Outcome.DEGRADED: 200,
    Outcome.REFUSED: 429,
    Outcome.UNAVAILABLE: 503,
    Outcome.ERROR: 500,
    Outcome.LOST: None,
}
HEALED = Finding("healed", Verdict.PASSED, "no fault is left")


def run(**changed: object) -> Run:
    about = {
        "id": "20260105-143000-quick",
        "began_at": BEGAN,
        "quick": True,
        "seed": 7,
        "stack": {"qdrant-0": "embedded Qdrant (stand-in)", "redis": "Valkey 8.1"},
        "settings": {"rate": "40"},
    }
    return Run(**(about | changed))  # type: ignore[arg-type] # a test names fields that Run has


def request(number: int, at: float, outcome: Outcome = Outcome.LIVE, seconds: float = 0.02) -> Request:
    return Request(number, "search", at, at + 0.001, at + seconds, STATUS[outcome], outcome)


def load(
    seconds: float, rate: float, got: Callable[[float], tuple[Outcome, float]] = lambda _: (Outcome.LIVE, 0.02)
) -> tuple[Request, ...]:
    """An even load, of which `got` says outcome and latency by the time."""
    return tuple(request(number, number / rate, *got(number / rate)) for number in range(round(seconds * rate)))


def finding(verdict: Verdict = Verdict.PASSED, check: str = "honest answers", **evidence: object) -> Finding:
    return Finding(check, verdict, f"the check {verdict}", evidence)


def breaker(at: float, value: float, name: str = "ollama", source: str = "query") -> Sample:
    return Sample(at, source, "breaker_state", {"breaker": name}, value)


def window(started: float, ended: float | None, fault: str = "cut query->ollama") -> Window:
    return Window(fault, "cut", "query->ollama", started, ended)


def result(
    name: str = "cut-ollama",
    *verdicts: Verdict,
    requests: Sequence[Request] = (),
    windows: Sequence[Window] = (),
    samples: Sequence[Sample] = (),
    findings: Sequence[Finding] | None = None,
    clean_up: Finding = HEALED,
    proves: Sequence[str] = ("breakers",),
    seconds: float = 30.0,
    title: str = "The model server is cut off",
    after_s: float = 1.0,
) -> Result:
    """An experiment with a finding for each verdict, or with the findings."""
    found = [finding(verdict, f"check {number}") for number, verdict in enumerate(verdicts)]
    return Result(
        name=name,
        title=title,
        proves=tuple(proves),
        began_at=BEGAN + timedelta(seconds=after_s),
        seconds=seconds,
        requests=tuple(requests),
        windows=tuple(windows),
        samples=tuple(samples),
        findings=tuple(found if findings is None else findings),
        clean_up=clean_up,
    )
