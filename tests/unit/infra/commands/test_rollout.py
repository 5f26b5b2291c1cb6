"""The commands over an engine whose stack is in memory and whose clock does not wait."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from infra import cli
from infra.commands import rollout, rollouts
from infra.rollout import page, releases, state
from infra.rollout.deployment import Deployment, RolloutError
from infra.rollout.engine import Surroundings
from infra.rollout.journal import Note
from infra.rollout.judgement import Verdict
from infra.rollout.state import Plan
from infra.settings import Settings
from tests.unit.infra.rollout.fakes import World, always


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    monkeypatch.setenv("BREAKWATER_HOME", str(tmp_path))
    (tmp_path / "new").mkdir()
    world = World()

    @contextmanager
    def surroundings(
        _plan: Plan, _deployment: Deployment, note: Note, _wait: Callable[[float], bool]
    ) -> Iterator[Surroundings]:
        yield replace(world.engine(), note=note, save=state.save)

    monkeypatch.setattr(rollout, "PulumiDeployment", lambda _stack: world.deployment)
    monkeypatch.setattr(rollout, "surroundings", surroundings)
    monkeypatch.setattr(releases, "find", lambda name: argparse.Namespace(name=name))
    monkeypatch.setattr(rollout, "admit", lambda _settings, _release: None)
    monkeypatch.setattr(page, "save", lambda _folder: None)
    return world


def call(*words: str) -> int:
    parsed = cli.parser(words).parse_args(words)
    status: int = parsed.run(parsed)
    return status


def test_a_good_release_is_promoted_with_a_line_for_each_thing_that_happens(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("rollout", "--release", "two", "--bake", "10") == 0
    assert world.is_promoted()
    said = capsys.readouterr().out
    for text in ("one → two", "=> go on to 10 %", "=> promote", "done: release two alone", "rollout.html"):
        assert text in said
    assert call("rollouts") == 0
    assert "promoted" in capsys.readouterr().out
    assert call("rollouts", state.rollouts("local")[0].plan.id) == 0
    assert "=> promoted" in capsys.readouterr().out


def test_a_release_that_is_undone_exits_with_1_and_its_reason(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.verdicts = always(Verdict.UNHEALTHY)
    assert call("rollout", "--release", "two") == 1
    assert world.is_as_before()
    assert "undone: migration: is unhealthy" in capsys.readouterr().out


def test_a_rollout_that_stands_still_exits_with_3_and_is_resumed_or_aborted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.verdicts = always(Verdict.INCONCLUSIVE)
    assert call("rollout", "--release", "two") == 3
    assert "`make rollout-resume STACK=local` goes on" in capsys.readouterr().out
    with pytest.raises(RolloutError, match="is paused: `make rollout-resume STACK=local`"):
        call("rollout", "--release", "three")
    assert call("rollout", "resume") == 3
    assert call("rollout", "abort") == 0
    assert world.is_as_before()
    with pytest.raises(RolloutError, match="no rollout that has not ended"):
        call("rollout", "resume")


def test_an_engine_that_is_stopped_leaves_a_rollout_that_can_be_resumed(world: World) -> None:
    world.stops = True
    assert call("rollout", "--release", "two") == 3
    world.stops = False
    assert call("rollout", "resume") == 0
    assert world.is_promoted()


def test_a_promoted_rollout_cannot_be_aborted(world: World) -> None:
    assert call("rollout", "--release", "two") == 0
    with pytest.raises(RolloutError, match="promoted already"):
        call("rollout", "abort")


def test_a_release_that_runs_already_and_a_candidate_that_nobody_knows_are_refused(world: World) -> None:
    with pytest.raises(RolloutError, match="runs release one already"):
        call("rollout", "--release", "one")
    world.deployment.settings = replace(world.deployment.settings, candidate="two")
    with pytest.raises(RolloutError, match="has the candidate two by its settings"):
        call("rollout", "--release", "two")
    assert state.rollouts("local") == []


def test_what_the_stack_cannot_have_is_refused_before_anything_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def refuse(settings: Settings, release: str) -> None:
        asked.append((settings.stack, release))
        raise RolloutError("no memory for it")

    monkeypatch.setattr(rollout, "admit", refuse)
    with pytest.raises(RolloutError, match="no memory for it"):
        call("rollout", "--release", "two")
    assert asked == [("local", "two")]
    assert world.is_as_before()
    assert state.rollouts("local") == []


@pytest.mark.parametrize("words", [(), ("--release", "two", "--bake", "0"), ("--release", "x", "--bake", "soon")])
def test_wrong_arguments_exit_with_2(world: World, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as left:
        call("rollout", *words)
    assert left.value.code == 2


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1.5s", 1.5), ("15m", 900), ("2h", 7200)])
def test_a_time_has_a_unit(text: str, seconds: float) -> None:
    assert rollout.seconds(text) == seconds


def test_a_rollout_that_there_is_not_is_named(world: World) -> None:
    assert call("rollouts") == 0
    with pytest.raises(RolloutError, match="no rollout nothing"):
        rollouts.run(argparse.Namespace(stack="local", id="nothing"))
