"""The engine over a stack in memory: what it decides, and that it can be killed wherever it is."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from infra.rollout import engine
from infra.rollout.deployment import Desired, RolloutError
from infra.rollout.journal import Action, Conclusion, Look
from infra.rollout.judgement import Verdict
from infra.rollout.state import Phase, State
from infra.rollout.strategies import Step
from tests.unit.infra.rollout.fakes import PLAN, KilledError, World, always, with_confirmation


def decisions(world: World) -> list[str]:
    return [entry.what for entry in world.entries if isinstance(entry, Conclusion)]


def test_a_good_release_is_promoted_step_by_step() -> None:
    world = World()
    state = engine.run(world.stored, world.engine())
    assert state == world.stored
    assert state.phase is Phase.PROMOTED
    assert world.is_promoted()
    assert [applied.weights.get("query") for applied in world.deployment.applied] == [0, 10, 100, None]
    assert decisions(world) == ["go on to to 10 %", "go on to to 100 %", "promote", "promoted"]


def test_every_step_is_watched_from_its_begin_to_the_end_of_its_bake() -> None:
    world = World()
    engine.run(world.stored, world.engine())
    looks = [(entry.step, entry.measured.seconds) for entry in world.entries if isinstance(entry, Look)]
    assert looks == [(step, seconds) for step in range(3) for seconds in (0, 4, 8, 10)]


def test_a_release_that_is_unhealthy_is_undone_at_that_look() -> None:
    world = World(verdicts=lambda weight, at: Verdict.UNHEALTHY if weight == 10 and at >= 4 else Verdict.HEALTHY)
    state = engine.run(world.stored, world.engine())
    assert (state.phase, state.reason, state.by) == (Phase.UNDONE, "errors: is unhealthy", ("errors",))
    assert world.is_as_before()
    assert world.now == 10 + 4
    last = world.deployment.applied[-2:]
    assert last == [Desired("one", "two", {"query": 0, "ingestion": 0}), Desired("one")]


@pytest.mark.parametrize(("bad_at", "outdated"), [(0, False), (10, True)])
def test_answers_in_the_cache_outlive_no_release_that_had_callers(bad_at: int, *, outdated: bool) -> None:
    world = World(verdicts=lambda weight, _: Verdict.UNHEALTHY if weight == bad_at else Verdict.HEALTHY)
    assert engine.run(world.stored, world.engine()).phase is Phase.UNDONE
    assert world.deployment.outdated == outdated


def test_an_inconclusive_step_is_watched_longer_and_then_paused_saying_what_is_missing() -> None:
    world = World(verdicts=lambda weight, _: Verdict.INCONCLUSIVE if weight else Verdict.HEALTHY)
    state = engine.run(world.stored, world.engine())
    assert (state.phase, state.step, state.reason) == (Phase.PAUSED, 1, "errors: is inconclusive")
    assert world.now == 10 + 2 * 10
    assert decisions(world) == ["go on to to 10 %", "watch longer", "pause"]
    assert world.deployment.running.weights == {"query": 10, "ingestion": 10}


def test_a_step_that_becomes_healthy_while_it_is_watched_longer_goes_on() -> None:
    world = World(verdicts=lambda _, at: Verdict.HEALTHY if at > 10 else Verdict.INCONCLUSIVE)
    assert engine.run(world.stored, world.engine()).phase is Phase.PROMOTED


def test_a_paused_rollout_is_resumed_at_its_step_with_a_new_window() -> None:
    world = World(verdicts=lambda weight, _: Verdict.INCONCLUSIVE if weight else Verdict.HEALTHY)
    paused = engine.run(world.stored, world.engine())
    world.verdicts = always(Verdict.HEALTHY)
    world.entries.clear()
    assert engine.run(engine.resumed(paused), world.engine()).phase is Phase.PROMOTED
    first = next(entry for entry in world.entries if isinstance(entry, Look))
    assert (first.step, first.measured.seconds) == (1, 0)


def test_a_rollout_that_waits_for_a_person_is_confirmed_by_resuming_it() -> None:
    world = World(with_confirmation())
    paused = engine.run(world.stored, world.engine())
    assert (paused.phase, paused.step) == (Phase.PAUSED, 2)
    assert "confirm" in paused.reason
    assert engine.run(engine.resumed(paused), world.engine()).phase is Phase.PROMOTED
    assert world.is_promoted()


def test_resuming_a_pause_for_want_of_evidence_confirms_nothing() -> None:
    world = World(with_confirmation(), always(Verdict.INCONCLUSIVE))
    paused = engine.run(world.stored, world.engine())
    world.verdicts = always(Verdict.HEALTHY)
    again = engine.run(engine.resumed(paused), world.engine())
    assert again.phase is Phase.PAUSED
    assert "confirm" in again.reason


def test_a_failed_migration_undoes_the_rollout_by_its_trigger() -> None:
    world = World()
    world.deployment.fails = lambda what: what == "migrate"
    state = engine.run(world.stored, world.engine())
    assert (state.phase, state.by, state.reason) == (Phase.UNDONE, ("migration",), "migration: no migrate")
    assert world.is_as_before()
    assert not any(applied.candidate for applied in world.deployment.applied)


def test_a_candidate_that_does_not_come_up_is_taken_away() -> None:
    world = World()
    world.deployment.fails = lambda what: what == "apply one two"
    state = engine.run(world.stored, world.engine())
    assert (state.phase, state.reason) == (Phase.UNDONE, "no apply one two")
    assert world.is_as_before()


def test_a_candidate_that_breaks_altogether_does_not_hinder_its_own_removal() -> None:
    world = World()

    def verdict(weight: int, _: float) -> Verdict:
        if weight == 0:
            return Verdict.HEALTHY
        world.deployment.fails = lambda what: what == "apply one two"
        return Verdict.UNHEALTHY

    world.verdicts = verdict
    assert engine.run(world.stored, world.engine()).phase is Phase.UNDONE
    assert world.is_as_before()


def test_a_promotion_that_fails_is_undone() -> None:
    world = World()
    world.deployment.fails = lambda what: what == "apply two "
    assert engine.run(world.stored, world.engine()).phase is Phase.UNDONE
    assert world.is_as_before()
    assert world.deployment.applied[-3].weights == {"query": 100, "ingestion": 100}  # while the old one starts


def test_what_cannot_be_undone_yet_says_so_and_is_undone_by_another_try() -> None:
    world = World(verdicts=always(Verdict.UNHEALTHY))
    world.deployment.fails = lambda what: what == "migrate back"
    with pytest.raises(RolloutError, match=r"cannot be undone yet: no migrate back.*make rollout-abort STACK=local"):
        engine.run(world.stored, world.engine())
    assert world.stored.phase is Phase.UNDOING
    world.deployment.fails = lambda _: False
    assert engine.run(engine.aborted(world.stored), world.engine()).phase is Phase.UNDONE
    assert world.stored.reason == "errors: is unhealthy"
    assert world.is_as_before()


def test_a_stack_that_somebody_changed_meanwhile_is_not_said_to_be_undone() -> None:
    world = World(verdicts=always(Verdict.UNHEALTHY))
    real = world.deployment.migrate_back

    def change(release: str) -> None:
        real(release)
        world.deployment.settings = Desired("three")

    world.deployment.migrate_back = change  # type: ignore[method-assign]
    with pytest.raises(RolloutError, match="did somebody else change them"):
        engine.run(world.stored, world.engine())
    assert world.stored.phase is Phase.UNDOING


def test_a_window_that_cannot_be_measured_is_inconclusive_and_says_why() -> None:
    def silent() -> None:
        raise OSError("no route")

    world = World(verdicts=always(Verdict.INCONCLUSIVE), measuring=silent)
    assert engine.run(world.stored, world.engine()).phase is Phase.PAUSED
    assert {entry.problem for entry in world.entries if isinstance(entry, Look)} == {"OSError: no route"}


def test_a_stack_that_changed_before_anything_was_done_is_left_alone() -> None:
    world = World()
    world.deployment.settings = Desired("three")
    state = engine.run(world.stored, world.engine())
    assert state.phase is Phase.UNDONE
    assert "the stack has release three alone by its settings" in state.reason
    assert world.deployment.settings == Desired("three")
    assert world.deployment.applied == []


def test_a_promoted_rollout_cannot_be_aborted() -> None:
    with pytest.raises(RolloutError, match=r"promoted already.*RELEASE=one"):
        engine.aborted(State(PLAN, Phase.PROMOTED))


def test_an_engine_that_is_asked_to_stop_does_so_after_its_action() -> None:
    world = World()
    world.stops = True
    around = world.engine()
    with pytest.raises(engine.StoppedError):
        engine.run(replace(world.stored, phase=Phase.STEPPING), around)
    world.stops = False
    assert engine.run(engine.resumed(world.stored), world.engine()).phase is Phase.PROMOTED


def test_an_action_that_fails_because_the_engine_is_stopped_undoes_nothing() -> None:
    world = World()

    def interrupted(what: str) -> bool:
        world.stops = what == "apply one two"
        return world.stops

    world.deployment.fails = interrupted
    with pytest.raises(engine.StoppedError):
        engine.run(world.stored, world.engine())
    assert world.stored.phase is Phase.STEPPING


BAD = {
    "a good release": World,
    "one that waits for a person": lambda: World(with_confirmation()),
    "an unhealthy release": lambda: World(
        verdicts=lambda weight, at: Verdict.UNHEALTHY if weight == 100 and at > 4 else Verdict.HEALTHY
    ),
}


def killed_everywhere(make: object) -> Iterator[World]:
    """The world after an engine was killed at its n-th call, for every n until one comes to its end."""
    for number in count(1):
        world = make()  # type: ignore[operator]
        try:
            engine.run(world.stored, world.engine(kill_at=number))
        except KilledError:
            yield world
        else:
            return


@pytest.mark.parametrize("release", BAD)
def test_an_engine_killed_anywhere_is_resumed_to_a_clean_end(release: str) -> None:
    ends = 0
    for world in killed_everywhere(BAD[release]):
        state = engine.run(engine.resumed(world.stored), world.engine())
        if state.phase is Phase.PAUSED:
            state = engine.run(engine.resumed(state), world.engine())
        assert world.is_as_before() if release == "an unhealthy release" else world.is_promoted()
        assert world.stored == state
        ends += 1
    assert ends > 80


@pytest.mark.parametrize("release", BAD)
def test_an_engine_killed_anywhere_is_aborted_to_a_clean_end(release: str) -> None:
    for world in killed_everywhere(BAD[release]):
        if world.stored.phase is Phase.PROMOTED:
            assert world.is_promoted()
            continue
        assert engine.run(engine.aborted(world.stored), world.engine()).phase is Phase.UNDONE
        assert world.is_as_before()


def test_an_engine_killed_anywhere_while_it_undoes_is_resumed_to_a_clean_end() -> None:
    def undoing() -> World:
        world = World()
        world.deployment.settings = world.deployment.running = Desired("two")  # killed just before it was promoted
        world.deployment.migrations = {"two"}
        world.stored = engine.aborted(State(PLAN, Phase.PROMOTING))
        return world

    for world in killed_everywhere(undoing):
        assert engine.run(engine.resumed(world.stored), world.engine()).phase is Phase.UNDONE
        assert world.is_as_before()


def test_nothing_is_promoted_unless_every_step_ended_with_every_trigger_healthy() -> None:
    words = list(Verdict)
    for seed in range(150):
        chance = random.Random(seed)
        likely = chance.choice([(1, 0, 0), (20, 0, 1), (20, 1, 0), (1, 1, 1)])
        world = World(verdicts=lambda *_, c=chance, w=likely: c.choices(words, w)[0])
        state = engine.run(world.stored, world.engine())
        looks = [entry for entry in world.entries if isinstance(entry, Look)]
        verdicts = [{each.verdict for each in look.judgements} for look in looks]
        last = {look.step: verdict for look, verdict in zip(looks, verdicts, strict=True)}
        assert (state.phase is Phase.PROMOTED) == (list(last.values()) == [{Verdict.HEALTHY}] * 3)
        assert (state.phase is Phase.UNDONE) == any(Verdict.UNHEALTHY in each for each in verdicts)


def test_an_action_is_in_the_journal_before_it_is_done_and_after() -> None:
    world = World()
    engine.run(world.stored, world.engine())
    actions = [entry for entry in world.entries if isinstance(entry, Action)]
    assert [action.done for action in actions] == [False, True] * 5
    assert [before.what == after.what for before, after in zip(actions[::2], actions[1::2], strict=True)] == [True] * 5


def test_a_step_without_triggers_is_nothing_to_go_on_with() -> None:
    world = World(replace(PLAN, steps=(Step("all", {"query": 100}, 0.0, ()),)))
    assert engine.run(world.stored, world.engine()).phase is Phase.PAUSED
