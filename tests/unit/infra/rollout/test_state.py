from pathlib import Path

import pytest

from infra.rollout import state
from infra.rollout.deployment import RolloutError
from infra.rollout.state import Phase, State
from tests.unit.infra.rollout.fakes import PLAN


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    return tmp_path


def test_a_state_is_on_the_disk_as_it_was_for_its_owner_only(home: Path) -> None:
    written = State(PLAN, Phase.PAUSED, 1, reason="too few requests", by=("errors",), changed_at=3.5)
    state.save(written)
    path = home / "rollouts/local/id/state.json"
    assert state.load(path) == written
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_holds_no_state_is_named(home: Path) -> None:
    (home / "state.json").write_text("{}")
    with pytest.raises(RolloutError, match=r"state\.json holds no rollout's state"):
        state.load(home / "state.json")


def test_a_second_rollout_is_refused_until_the_first_one_has_ended() -> None:
    state.save(State(PLAN, Phase.PAUSED))
    with pytest.raises(RolloutError, match="id of stack local is paused: `make rollout-resume STACK=local`"):
        state.refuse_a_second("local")
    state.refuse_a_second("other")
    state.save(State(PLAN, Phase.UNDONE))
    state.refuse_a_second("local")


def test_one_engine_at_a_time_holds_a_stack() -> None:
    with state.alone("local"), state.alone("other"), pytest.raises(RolloutError, match="at this moment"):
        state.alone("local").__enter__()
    with state.alone("local"):
        pass
