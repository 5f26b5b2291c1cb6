import pytest

from chaos.checkers.amplification import Bounds, amplification
from chaos.record import Finding, Sample, Verdict
from chaos.snapshot import snapshot
from infra.probes.metrics import Snapshot


def grown(attempts: float, cpu_s: float, log_bytes: float) -> Snapshot:
    return snapshot(
        [
            Sample(0, "query", "dependency_attempt_seconds_count", {"dependency": "ollama", "outcome": "ok"}, attempts),
            Sample(0, "query", "process_cpu_seconds_total", {}, cpu_s),
            Sample(0, "query", "log_bytes", {}, log_bytes),
        ]
    )


CALM = grown(200, 1.0, 20_000)


def judged(fault: Snapshot, *, calm: Snapshot = CALM, requests: int = 100) -> Finding:
    return amplification(calm, 100, fault, requests, bounds=Bounds())


def test_effort_within_its_bounds_passes() -> None:
    finding = judged(grown(219, 1.9, 999_000))
    assert (finding.verdict, finding.evidence["fault"]["attempts"]) == (Verdict.PASSED, 2.19)


@pytest.mark.parametrize(
    ("fault", "over"),
    [
        (grown(221, 1.0, 20_000), "attempts"),
        (grown(200, 2.1, 20_000), "cpu"),
        (grown(200, 1.0, 1_100_000), "log_bytes"),
    ],
)
def test_effort_over_a_bound_fails(fault: Snapshot, over: str) -> None:
    finding = judged(fault)
    assert (finding.verdict, finding.evidence["over"]) == (Verdict.FAILED, [over])


def test_effort_is_counted_by_request() -> None:
    assert judged(grown(400, 2.0, 20_000), requests=200).verdict is Verdict.PASSED


def test_without_requests_or_without_a_calm_to_compare_with_nothing_is_known() -> None:
    assert judged(CALM, requests=0).verdict is Verdict.UNKNOWN
    assert judged(CALM, calm={}).verdict is Verdict.UNKNOWN
    assert judged(CALM, calm=grown(200, 0, 20_000)).verdict is Verdict.UNKNOWN
