"""Whether answers are still the right ones, and not merely answers."""

from collections.abc import Iterable, Mapping, Sequence

from chaos.checkers.safely import enough, safely
from chaos.client import SUCCESSES
from chaos.record import Finding, Request, Verdict

CHECK = "answer-quality"
TOP = 5
SHOWN = 10  # of the worst answers


@safely(CHECK)
def answer_quality(
    requests: Iterable[Request], expected: Mapping[str, Sequence[str]], *, recall: float, least: int = 20
) -> Finding:
    """The mean share of each question's expected passages, best first, that are among the first five of the answer.

    Only successful answers to questions of `expected` count; `least` of them are needed.
    """
    scored = [
        (recall_at(request.about["results"], expected[request.about["question"]]), request)
        for request in requests
        if request.outcome in SUCCESSES and request.about.get("question") in expected
    ]
    enough(len(scored), max(1, least), "answers to questions whose passages are known")
    mean = sum(score for score, _ in scored) / len(scored)
    worst = sorted((each for each in scored if each[0] < 1), key=lambda each: each[0])[:SHOWN]
    evidence = {
        "answers": len(scored),
        "recall": mean,
        "worst": [{"number": r.number, "question": r.about["question"], "recall": score} for score, r in worst],
    }
    verdict = Verdict.PASSED if mean >= recall else Verdict.FAILED
    return Finding(CHECK, verdict, f"recall@{TOP} {mean:.3f} of {len(scored)} answers; {recall:g} wanted", evidence)


def recall_at(results: Sequence[str], expected: Sequence[str], top: int = TOP) -> float:
    """The share of the first `top` expected that are among the first `top` results; raises ValueError for none."""
    wanted = set(expected[:top])
    if not wanted:
        raise ValueError("nothing is expected of the answer")
    return len(wanted & set(results[:top])) / len(wanted)
