from itertools import pairwise

import pytest

from infra.rollout.deployment import Desired
from infra.rollout.stages import ALL, NONE, ends, gives_up, stages

SOME = {"query": 10}


def test_a_candidate_comes_at_weight_0_and_then_gets_its_share() -> None:
    wanted = Desired("1", "2", SOME)
    assert stages(Desired("1"), wanted) == [Desired("1"), Desired("1", "2", {"query": 0}), wanted]


def test_another_share_is_one_change() -> None:
    now, wanted = Desired("1", "2", SOME), Desired("1", "2", {"query": 100, "ingestion": 10})
    assert stages(now, wanted) == [now, wanted]


def test_what_is_so_already_is_made_so_once_more_because_a_kill_may_have_left_it_half_done() -> None:
    assert stages(Desired("1", "2", SOME), Desired("1", "2", SOME)) == [Desired("1", "2", SOME)]


def test_an_undone_candidate_goes_at_weight_0() -> None:
    now = Desired("1", "2", SOME)
    assert stages(now, Desired("1")) == [now, Desired("1", "2", {"query": 0}), Desired("1")]


def test_a_promotion_restarts_the_stable_processes_while_the_candidates_answer_everything() -> None:
    now = Desired("1", "2", {**ALL, "query": 50})
    steps = [Desired("1", "2", ALL), Desired("2", "2", ALL), Desired("2", "2", NONE), Desired("2")]
    assert stages(now, Desired("2")) == [now, *steps]


def test_a_change_without_a_rollout_has_a_candidate_for_its_time() -> None:
    steps = [Desired("1", "2", NONE), Desired("1", "2", ALL), Desired("2", "2", ALL), Desired("2", "2", NONE)]
    assert stages(Desired("1"), Desired("2")) == [Desired("1"), *steps, Desired("2")]


def test_another_candidate_comes_after_the_first_is_gone() -> None:
    now, wanted = Desired("1", "2", SOME), Desired("1", "3", SOME)
    idle = {"query": 0}
    assert stages(now, wanted) == [now, Desired("1", "2", idle), Desired("1"), Desired("1", "3", idle), wanted]


@pytest.mark.parametrize("to", [Desired("1"), Desired("2"), Desired("1", "2", SOME), Desired("1", "3", SOME)])
@pytest.mark.parametrize(
    "now",
    [
        Desired("1"),
        Desired("1", "2", SOME),
        Desired("1", "2", ALL),
        Desired("2", "2", ALL),
        Desired("2", "2", NONE),
        Desired("2"),
    ],
)
def test_from_everywhere_nothing_is_started_or_ended_that_has_requests(now: Desired, to: Desired) -> None:
    way = stages(now, to)
    assert (way[0], way[-1]) == (now, to)
    for before, after in pairwise(way):
        if before.release != after.release:
            assert before.candidate == after.candidate
            assert before.weights == after.weights == ALL
        elif before.candidate != after.candidate:
            assert not any({**before.weights, **after.weights}.values())
        assert ends(before, after) == (
            before.release != after.release or bool(before.candidate and not after.candidate)
        )


def test_a_candidate_is_given_up_where_it_is_all_that_changes_and_not_at_the_end_of_a_promotion() -> None:
    assert gives_up(Desired("1", "2", SOME), Desired("1"))
    for now, to in (
        (Desired("1"), Desired("1")),
        (Desired("1", "2", SOME), Desired("2")),
        (Desired("2", "2", ALL), Desired("2")),
        (Desired("2", "2", ALL), Desired("1")),
        (Desired("1", "2", SOME), Desired("1", "3", SOME)),
    ):
        assert not gives_up(now, to)
