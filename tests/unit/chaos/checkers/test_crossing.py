import pytest

from chaos.checkers.crossing import crossing
from chaos.record import Finding, Sample, Verdict
from chaos.snapshot import snapshot
from infra.probes.metrics import UP, Snapshot

NAME = "dependency_attempt_seconds"


def taken(up: float = 1.0, **counts: tuple[int, int, int]) -> Snapshot:
    """By outcome: attempts of up to 0.1 s, of up to 1 s, and in all."""
    samples = [Sample(0.0, "query", UP, {}, up)]
    for outcome, numbers in counts.items():
        labels = {"dependency": "ollama", "outcome": outcome}
        samples.append(Sample(0.0, "query", f"{NAME}_count", labels, numbers[2]))
        for bound, number in zip(("0.1", "1.0", "+Inf"), numbers, strict=True):
            samples.append(Sample(0.0, "query", f"{NAME}_bucket", labels | {"le": bound}, number))
    return snapshot(samples)


def judged(after: Snapshot, before: Snapshot | None = None, *, dependency: str = "ollama", least: int = 5) -> Finding:
    return crossing(before or taken(), after, dependency=dependency, outcomes={"refused", "reset"}, least=least)


def test_attempts_that_bear_the_mark_have_crossed() -> None:
    finding = judged(taken(refused=(4, 4, 4), reset=(2, 2, 2), ok=(90, 90, 90)), taken(refused=(1, 1, 1)))
    assert (finding.verdict, finding.evidence["crossed"]) == (Verdict.PASSED, 5)


def test_a_fault_that_too_few_crossed_proves_nothing() -> None:
    finding = judged(taken(refused=(4, 4, 4), ok=(90, 90, 90)))
    assert (finding.verdict, "4 attempts at ollama" in finding.said) == (Verdict.UNKNOWN, True)


def test_attempts_from_before_the_fault_do_not_count() -> None:
    assert judged(taken(refused=(9, 9, 9)), taken(refused=(8, 8, 8))).verdict is Verdict.UNKNOWN


def test_another_dependency_does_not_count() -> None:
    assert judged(taken(refused=(9, 9, 9)), dependency="redis").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("before", "after"), [(taken(up=0), taken(refused=(9, 9, 9))), ({}, {})])
def test_without_metrics_nothing_is_known(before: Snapshot, after: Snapshot) -> None:
    assert judged(after, before).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("seconds", "crossed"), [(0.1, 8), (0.05, 8), (0.5, 3), (1.0, 3), (5.0, 0)])
def test_a_delay_is_seen_in_attempts_that_surely_took_longer(seconds: float, crossed: int) -> None:
    finding = crossing(taken(), taken(ok=(92, 97, 100)), dependency="ollama", slower_than_s=seconds, least=1)
    assert finding.evidence.get("crossed", 0) == crossed


def test_an_attempt_with_two_marks_counts_once() -> None:
    after = taken(ok=(0, 0, 4), timeout=(0, 0, 3))
    finding = crossing(taken(), after, dependency="ollama", outcomes={"timeout"}, slower_than_s=0.5, least=1)
    assert finding.evidence["crossed"] == 7
