from chaos.record import Verdict
from infra.observability.slo import SLO
from loadtests import knee, verdict
from loadtests.shapes import SHAPES
from loadtests.summary import summarize
from loadtests.verdict import Judged
from tests.unit.loadtests.loads import Made, a_run, counted

SHAPE = SHAPES["knee"]
STAGES = SHAPE.built()
STEP_S = 12


def steps(*made: Made) -> list[Judged]:
    """Each element is a step, in which the load goes like that."""
    seconds = [each for each in made for _ in range(STEP_S)]
    samples = counted(STAGES, *seconds)
    ended = verdict.ended(STAGES, until=STEP_S * len(made))
    return [verdict.judge(SHAPE, STAGES, span, samples, SLO) for span in ended]


WELL, SLOW, SHORT, LIMITED = Made(), Made(seconds=0.2), Made(achieved=0.8), Made(cpu=0.95)


def test_the_knee_is_the_last_step_that_holds() -> None:
    assert knee.found(steps(*[WELL] * 6, SLOW, SLOW), SLO) == knee.Knee(1200, 1400, limited=False)


def test_a_step_that_falls_behind_its_rate_does_not_hold() -> None:
    found = knee.found(steps(*[WELL] * 3, SHORT), SLO)
    assert (found.holds, found.breaks) == (600, 800)


def test_a_step_that_holds_after_one_that_does_not_is_not_the_knee() -> None:
    assert knee.found(steps(WELL, SLOW, WELL), SLO).holds == 200


def test_the_load_ends_when_two_steps_in_a_row_do_not_hold() -> None:
    assert not knee.past(steps(WELL), SLO)
    assert not knee.past(steps(SLOW), SLO)
    assert not knee.past(steps(WELL, SLOW), SLO)
    assert not knee.past(steps(SLOW, WELL), SLO)
    assert knee.past(steps(WELL, SLOW, SHORT), SLO)
    assert knee.past(steps(WELL, LIMITED, LIMITED), SLO)


def verdicts(*made: Made) -> list[Verdict]:
    return [finding.verdict for finding in knee.findings(knee.found(steps(*made), SLO), SLO)]


def test_a_knee_above_the_promise_passes() -> None:
    assert verdicts(*[WELL] * 5, SLOW, SLOW) == [Verdict.PASSED, Verdict.PASSED]


def test_a_knee_below_the_promise_fails() -> None:
    assert verdicts(*[WELL] * 4, SLOW, SLOW) == [Verdict.FAILED, Verdict.PASSED]
    assert verdicts(SLOW, SLOW) == [Verdict.FAILED, Verdict.PASSED]


def test_a_generator_at_its_limit_finds_no_knee() -> None:
    assert verdicts(*[WELL] * 5, LIMITED) == [Verdict.PASSED, Verdict.UNKNOWN]
    assert verdicts(WELL, LIMITED) == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_a_load_that_ended_before_the_knee_found_none() -> None:
    assert verdicts(WELL, WELL) == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_the_knee_is_told_in_words() -> None:
    assert knee.said(knee.Knee(1200, 1400, limited=False)) == "1200 requests a second hold, 1400 do not"
    assert knee.said(knee.Knee(None, 200, limited=False)) == "not even the first step holds, 200 do not"
    assert "the stack may do more" in knee.said(knee.Knee(1200, 1400, limited=True))
    assert "no step was made" in knee.said(knee.Knee(1200, None, limited=False))


def test_the_steps_beyond_the_knee_do_not_fail_the_run() -> None:
    seconds = [WELL] * (STEP_S * 6) + [SLOW] * (STEP_S * 19)
    summary = summarize(a_run("knee"), counted(STAGES, *seconds), [])
    assert summary.verdict is Verdict.PASSED
    assert summary.knee == knee.Knee(1200, 1400, limited=False)
