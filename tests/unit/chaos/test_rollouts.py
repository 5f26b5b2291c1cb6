"""What the experiments with rollouts make of a rollout's journal and of the load's requests."""

from pathlib import Path

import pytest

from chaos.record import Outcome, Request
from chaos.rollouts import at_most, exposed, failed
from infra.rollout import journal, state
from infra.rollout.deployment import Desired, said_of
from infra.rollout.journal import Action, Conclusion
from infra.rollout.state import Plan, State
from infra.rollout.strategies import steps

BEFORE = Desired("old")
PLAN = Plan("one", "stack", "canary", "new", BEFORE, steps("canary", ["query"], 10), 0)


def action(weight: int) -> Action:
    return Action(said_of(Desired("old", "new", {"query": weight})), done=False)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> journal.Note:
    monkeypatch.setattr(state, "data_directory", lambda: tmp_path)
    return journal.writer(state.folder_of(PLAN), clock=iter(range(10, 90, 10)).__next__)


def test_callers_may_meet_the_candidate_from_its_first_traffic_to_the_end(write: journal.Note) -> None:
    for entry in (action(0), action(10), action(50), Conclusion("undone", "")):
        write(entry)
    assert exposed(State(PLAN)) == (20, 40)


def test_callers_never_meet_a_candidate_that_stayed_idle(write: journal.Note) -> None:
    for entry in (action(0), Conclusion("undone", "")):
        write(entry)
    assert exposed(State(PLAN)) is None


@pytest.mark.parametrize(("requests", "share", "most"), [(0, 0.1, 0), (1000, 0.1, 138), (100, 1, 100)])
def test_a_share_has_its_chance(requests: int, share: float, most: int) -> None:
    assert at_most(requests, share) == most


def test_a_stale_answer_is_none_that_was_asked_for() -> None:
    asked = [
        Request(0, "search", 0, 0, 1, 200, outcome) for outcome in (Outcome.LIVE, Outcome.CACHED, Outcome.DEGRADED)
    ]
    assert failed(asked) == asked[2:]
