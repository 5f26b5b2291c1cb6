"""Critical functions: search, query, ingest, list and rotate, tried at both releases."""

from collections.abc import Sequence
from itertools import dropwhile, takewhile

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import CRITICAL, Limits
from infra.rollout.measurements import Check, Measurements
from infra.rollout.triggers.shares import unknown

NAME = "critical-functions"


def critical_functions(measured: Measurements, limits: Limits) -> Judgement:
    """Unhealthy where one fails again and again at the candidate and works at the stable release."""
    if measured.checks is None:
        return unknown(NAME, 0, "none was tried")
    said: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for function in CRITICAL:
        tries = [check for check in measured.checks if check.function == function]
        found, why = _one(tries, limits.fails_in_a_row)
        said[found].append(f"{function} {why}")
    failing = _failing(measured.checks)
    for verdict in (Verdict.UNHEALTHY, Verdict.INCONCLUSIVE):
        if said[verdict]:
            return Judgement(NAME, verdict, failing, 0, "; ".join(said[verdict]))
    return Judgement(NAME, Verdict.HEALTHY, failing, 0, f"{', '.join(CRITICAL)} work")


def _failing(checks: Sequence[Check]) -> int:
    """The functions whose last try at the candidate failed."""
    last = {check.function: check.passed for check in checks if check.release == "candidate"}
    return sum(not passed for passed in last.values())


def _one(tries: Sequence[Check], in_a_row: int) -> tuple[Verdict, str]:
    """The verdict on one function, and why."""
    candidate = [check for check in tries if check.release == "candidate"]
    if not candidate:
        return Verdict.INCONCLUSIVE, "was not tried at the candidate"
    if all(check.passed for check in candidate[-in_a_row:]):
        return Verdict.HEALTHY, "works"
    said = next(check.said for check in reversed(candidate) if not check.passed)
    stable = [check for check in tries if check.release == "stable"]
    if not stable:
        return Verdict.INCONCLUSIVE, f"failed, and was not tried at the stable release: {said}"
    failed = [*takewhile(lambda check: not check.passed, reversed(_since_stable_works(tries)))]
    if stable[-1].passed and len(failed) >= in_a_row:
        return Verdict.UNHEALTHY, f"failed {len(failed)} times in a row at the candidate alone: {said}"
    if not all(check.passed for check in stable):
        return Verdict.INCONCLUSIVE, f"failed at the stable release too, last at the candidate: {said}"
    return Verdict.INCONCLUSIVE, f"did not work each time: {said}"


def _since_stable_works(tries: Sequence[Check]) -> list[Check]:
    """The candidate's tries since it works at the stable release: what was away for both must not count afterwards."""
    failures = [number for number, check in enumerate(tries) if check.release == "stable" and not check.passed]
    since = tries[failures[-1] + 1 :] if failures else tries
    if failures:
        since = [*dropwhile(lambda check: check.release == "candidate", since)]
    return [check for check in since if check.release == "candidate"]
