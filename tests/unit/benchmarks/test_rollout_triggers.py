from itertools import pairwise

import pytest

from benchmarks.figures import Verdict
from benchmarks.streams import STREAMED, WINDOW_S, Label, Stream
from benchmarks.suite.rollout_triggers import Ending, Outcome, figures, outcome, streams
from infra.rollout.limits import LIMITS
from infra.rollout.triggers import TRIGGERS

SEEDS = range(2)


def test_a_slice_of_the_labelled_streams_ends_as_it_has_to() -> None:
    outcomes = [outcome(stream) for stream in streams(SEEDS)]
    assert len(outcomes) == len(SEEDS) * len(STREAMED) * len(Label)
    told = list(figures(outcomes))
    assert [figure.name for figure in told if figure.verdict is not Verdict.HOLDS] == []
    assert f"{len(outcomes)} streams" in told[0].note
    assert "seeds 0 to 1" in told[0].note


@pytest.mark.parametrize("trigger", STREAMED)
def test_a_stream_is_the_same_for_the_same_seed(trigger: str) -> None:
    first, again, other = (list(Stream(trigger, Label.FLAPPING, seed).looks()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("trigger", STREAMED)
def test_a_stream_without_data_says_what_is_missing(trigger: str) -> None:
    for window, recent in Stream(trigger, Label.NO_DATA, 0).looks():
        assert [TRIGGERS[trigger](measured, LIMITS).value for measured in (window, recent)] == [None, None]


def test_counts_only_ever_grow() -> None:
    looks = [window.trips for window, _ in Stream("false-trips", Label.BAD, 0).looks()]
    assert all(a.calls <= b.calls and a.false <= b.false for a, b in pairwise(looks) if a and b)


def test_wrong_decisions_miss_their_bounds() -> None:
    """A judge that is always wrong: the figures would tell."""
    wrong = {Label.HEALTHY: Ending.UNDONE, Label.BAD: Ending.PROMOTED, Label.NO_DATA: Ending.PROMOTED}
    outcomes = [
        Outcome(Stream("latency", label, 0), wrong.get(label, Ending.PAUSED), 2.0 * WINDOW_S) for label in Label
    ]
    assert {figure.verdict for figure in figures(outcomes)} == {Verdict.MISSED}
