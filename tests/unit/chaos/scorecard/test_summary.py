import json
from pathlib import Path

from chaos.design import DESIGN
from chaos.record import Outcome, Verdict
from chaos.scorecard.summary import SUMMARY, save, summarize
from tests.unit.chaos.scorecard.runs import finding, load, request, result, run, window

FAILED, PASSED, UNKNOWN = Verdict.FAILED, Verdict.PASSED, Verdict.UNKNOWN


def test_totals_count_experiments_by_verdict_and_requests_by_outcome() -> None:
    results = [
        result("a", PASSED, requests=[request(0, 0), request(1, 1, Outcome.LOST)]),
        result("b", FAILED, clean_up=finding(FAILED), after_s=40),
        result("c", PASSED, UNKNOWN, requests=[request(0, 0)], clean_up=finding(UNKNOWN), after_s=80),
    ]
    totals = summarize(run(), results).totals

    assert totals.verdicts == {PASSED: 1, UNKNOWN: 1, FAILED: 1}
    assert totals.clean_ups_failed == 2
    assert (totals.requests, totals.outcomes[Outcome.LIVE], totals.outcomes[Outcome.LOST]) == (3, 2, 1)
    assert totals.seconds == 110


def test_a_decision_has_the_heaviest_verdict_of_what_speaks_of_it() -> None:
    results = [
        result("a", PASSED, proves=["breakers", "fallback"]),
        result("b", UNKNOWN, proves=["breakers"]),
        result("c", PASSED, proves=["a decision of tomorrow"]),
    ]
    decisions = {decision.key: decision for decision in summarize(run(), results).decisions}

    assert decisions["breakers"].verdict is UNKNOWN
    assert decisions["breakers"].experiments == ("a", "b")
    assert decisions["fallback"].verdict is PASSED
    assert decisions["no-downtime"].verdict is None
    assert decisions["a decision of tomorrow"].verdict is PASSED
    assert list(decisions)[: len(DESIGN)] == list(DESIGN)


def test_a_run_without_experiments_is_unknown() -> None:
    assert summarize(run(), []).verdict is UNKNOWN


def test_reasons_are_what_did_not_pass_with_the_failed_first() -> None:
    experiment = summarize(run(), [result("a", PASSED, UNKNOWN, FAILED)]).experiments[0]

    assert [reason.verdict for reason in experiment.reasons] == [FAILED, UNKNOWN]


def test_the_file_holds_the_whole_summary_and_its_version(tmp_path: Path) -> None:
    recorded = result("a", PASSED, requests=load(20, 10), windows=[window(5, 10)])
    summary = summarize(run(), [recorded])
    save(tmp_path, summary)
    written = (tmp_path / "summary.json").read_bytes()

    assert SUMMARY.validate_json(written) == summary
    document = json.loads(written)
    assert document["version"] == 1
    assert document["experiments"][0]["verdict"] == "passed"
    assert document["experiments"][0]["phases"]["during"]["quantiles"].keys() == {"p50", "p95", "p99"}
