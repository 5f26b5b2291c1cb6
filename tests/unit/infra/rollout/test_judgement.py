import pytest

from infra.rollout.judgement import Decision, Judgement, Verdict, decide, worst

GOOD, BAD, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.INCONCLUSIVE


def judged(*verdicts: Verdict) -> list[Judgement]:
    return [Judgement(f"t{number}", verdict, None, 0.0, "") for number, verdict in enumerate(verdicts)]


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("verdicts", [(BAD,), (GOOD, BAD), (OPEN, BAD, GOOD)])
def test_one_trigger_is_enough_to_undo_at_any_time(verdicts: tuple[Verdict, ...], ended: bool) -> None:
    assert decide(judged(*verdicts), ended=ended) is Decision.UNDO


def test_all_have_to_be_healthy_to_go_on_and_that_only_once_the_bake_has_ended() -> None:
    assert decide(judged(GOOD, GOOD), ended=True) is Decision.GO_ON
    assert decide(judged(GOOD, GOOD), ended=False) is Decision.WAIT


@pytest.mark.parametrize("verdicts", [(OPEN,), (GOOD, OPEN), ()])
def test_what_is_not_known_never_promotes(verdicts: tuple[Verdict, ...]) -> None:
    assert decide(judged(*verdicts), ended=True) is Decision.WAIT


def test_the_worst_is_the_first_of_the_heaviest() -> None:
    assert worst(judged(GOOD, OPEN, BAD, BAD)).trigger == "t2"
    assert worst(judged(GOOD, OPEN, OPEN)).trigger == "t1"
    assert worst(judged(GOOD, GOOD)).trigger == "t0"
