import itertools
import json

import pytest

from infra.secret import VARIABLE, SecretState, Step, asked_steps, random_secret

STEADY = SecretState("a")
INTRODUCED = SecretState("a", "b", "introduced")
SWITCHED = SecretState("b", "a", "switched")
RETIRED = SecretState("b", "a", "retired")


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        (STEADY, "introduce", INTRODUCED),
        (INTRODUCED, "switch", SWITCHED),
        (SWITCHED, "retire", RETIRED),
    ],
)
def test_a_step_leads_from_one_phase_to_the_next(before: SecretState, step: Step, after: SecretState) -> None:
    assert before.applies(step)
    assert before.after(step, lambda: "b") == after


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (STEADY, "switch"),
        (STEADY, "retire"),
        (STEADY, None),
        (INTRODUCED, "introduce"),
        (INTRODUCED, "retire"),
        (SWITCHED, "introduce"),
        (SWITCHED, "switch"),
        (RETIRED, "switch"),
        (RETIRED, "retire"),
    ],
)
def test_a_step_out_of_turn_changes_nothing(state: SecretState, step: Step | None) -> None:
    assert not state.applies(step)
    assert state.after(step, lambda: "c") == state


def test_no_step_makes_users_of_the_state_before_it_and_after_it_refuse_each_other() -> None:
    states = [STEADY, INTRODUCED, SWITCHED, RETIRED]
    for before, after in itertools.pairwise(states):
        assert before.value in after.accepted
        assert after.value in before.accepted


def test_a_retired_secret_makes_room_for_the_next() -> None:
    assert RETIRED.after("introduce", lambda: "c") == SecretState("b", "c", "introduced")


def test_a_secret_has_256_bits_and_no_white_space() -> None:
    assert len(random_secret()) == 43
    assert random_secret().split() != random_secret().split()


def test_the_environment_asks_for_steps_or_for_none() -> None:
    assert asked_steps({}) == {}
    assert asked_steps({VARIABLE: json.dumps({"interServiceSecret": "switch"})}) == {"interServiceSecret": "switch"}
