"""The words for a load's verdicts."""

from chaos.record import Verdict

WORDS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.UNKNOWN: "inconclusive"}
