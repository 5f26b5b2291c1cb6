"""The engine that carries out a rollout: it acts, watches, and decides, and it can be killed between any two lines.

A state is on the disk before its action begins, and every action can be repeated, so an engine that goes on from the
state on the disk ends where the killed one would have.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from infra.rollout.deployment import Deployment, Desired, RolloutError, said_of
from infra.rollout.journal import Action, Conclusion, Look, Note
from infra.rollout.judgement import Decision, Judgement, Verdict, decide
from infra.rollout.measurements import Measurements, Schema
from infra.rollout.state import ENDED, Phase, Plan, State
from infra.rollout.strategies import Step

Measure = Callable[[Step, float], tuple[Measurements, Measurements | None]]
"""What is measured of a step since a time of the clock, and of the last looks alone once there are some.

First called as that time comes, so that counters can be kept.
"""

Judge = Callable[[Step, Measurements, Measurements | None], Sequence[Judgement]]
"""What each of the step's triggers says of a window, and of its end."""

MIGRATION = "migration"
"""The trigger that judges a migration that failed."""


ABORTED = "a person aborted it"
WAITS = "every trigger is healthy; it waits for a person to confirm"


class StoppedError(Exception):
    """The engine was asked to stop, and has; the state on the disk is where it goes on."""


@dataclass(frozen=True)
class Surroundings:
    """All that the engine touches."""

    deployment: Deployment
    measure: Measure
    judge: Judge
    save: Callable[[State], None]
    note: Note
    clock: Callable[[], float]  # seconds, monotonic
    wait: Callable[[float], bool]  # seconds; ends early with True where the engine is to stop
    wall: Callable[[], float]  # seconds since 1970


def run(state: State, around: Surroundings) -> State:
    """Carry the rollout out until it has ended or is paused.

    Raises RolloutError where it cannot be undone as things are, and StoppedError where the engine was asked to stop.
    """
    while state.phase not in {*ENDED, Phase.PAUSED}:
        _stop_if_asked(around)
        try:
            following = _ACTS[state.phase](state, around)
        except RolloutError as error:
            _stop_if_asked(around)  # what was interrupted has not failed
            if state.phase is Phase.UNDOING:
                around.note(Conclusion("stuck", str(error)))
                raise RolloutError(
                    f"the rollout cannot be undone yet: {error}. When that is repaired, "
                    f"`make rollout-abort STACK={state.plan.stack}` goes on undoing it"
                ) from None
            following = _decided(around, _undoing(state, str(error)), "undo")
        state = _saved(following, around)
    return state


def resumed(state: State) -> State:
    """The state from which an engine goes on; a rollout that waited for a person has thereby been confirmed."""
    if state.phase is not Phase.PAUSED:
        return state
    confirmed = state.reason == WAITS
    return replace(state, phase=Phase.STEPPING, confirmed=state.confirmed or confirmed, reason="", by=())


def aborted(state: State) -> State:
    """The state from which an engine takes everything back; raises RolloutError where it is promoted."""
    if state.phase is Phase.PROMOTED:
        raise RolloutError(
            f"rollout {state.plan.id} is promoted already; roll the release before it out to go back to it: "
            f"make rollout STACK={state.plan.stack} RELEASE={state.plan.before.release}"
        )
    if state.phase is Phase.PREPARING:
        return replace(state, phase=Phase.UNDONE, reason=ABORTED)
    return state if state.phase in {Phase.UNDOING, Phase.UNDONE} else _undoing(state, ABORTED)


def way_back(now: Desired, plan: Plan) -> list[Desired]:
    """What the stack is to be, one after the other, so that no request fails on the way to what it was before."""
    services = sorted({service for step in plan.steps for service in step.weights})
    beside = Desired(plan.before.release, plan.release, dict.fromkeys(services, 100))
    promoted = [beside] if now.release != plan.before.release else []  # the stable ones serve the new release
    idle = [replace(beside, weights=dict.fromkeys(services, 0))] if promoted or any(now.weights.values()) else []
    return [*promoted, *idle, plan.before]


def _prepare(state: State, around: Surroundings) -> State:
    before = state.plan.before
    if (found := around.deployment.desired()) != before:  # nothing has been done, so there is nothing to undo
        reason = f"the stack has {said_of(found)} by its settings, and had {said_of(before)} when the rollout began"
        return _decided(around, replace(state, phase=Phase.UNDONE, reason=reason), "undone")
    return replace(state, phase=Phase.MIGRATING)


def _migrate(state: State, around: Surroundings) -> State:
    release = state.plan.release
    try:
        _act(around, f"run the migrations of {release}", lambda: around.deployment.migrate(release))
    except RolloutError as error:
        _stop_if_asked(around)
        return _undo_for_migration(state, around, str(error))
    return replace(state, phase=Phase.STEPPING, step=0)


def _undo_for_migration(state: State, around: Surroundings, failure: str) -> State:
    step = Step("migration", dict.fromkeys(state.plan.steps[0].weights, 0), 0.0, (MIGRATION,))
    measured = Measurements(0.0, schema=Schema("", "", "", "", failure))
    judgements = tuple(around.judge(step, measured, None))
    around.note(Look(-1, step.name, step.weights, 0.0, measured, judgements))
    return _decided(around, _undoing(state, *_because(judgements, Verdict.UNHEALTHY)), "undo")


def _step(state: State, around: Surroundings) -> State:
    plan, step = state.plan, state.plan.steps[state.step]
    _apply(around, Desired(plan.before.release, plan.release, step.weights))
    decision, judgements = _bake(state, step, around)
    if decision is Decision.UNDO:
        return _decided(around, _undoing(state, *_because(judgements, Verdict.UNHEALTHY)), "undo")
    if decision is Decision.WAIT:
        reason, by = _because(judgements, Verdict.INCONCLUSIVE)
        return _decided(around, replace(state, phase=Phase.PAUSED, reason=reason, by=by), "pause")
    if state.step + 1 < len(plan.steps):
        following = plan.steps[state.step + 1].name
        return _decided(around, replace(state, step=state.step + 1), f"go on to {following}")
    if plan.confirm and not state.confirmed:
        return _decided(around, replace(state, phase=Phase.PAUSED, reason=WAITS), "pause")
    return _decided(around, replace(state, phase=Phase.PROMOTING), "promote")


def _bake(state: State, step: Step, around: Surroundings) -> tuple[Decision, Sequence[Judgement]]:
    """Watch the step until it can be decided; while a trigger is inconclusive, longer than it is to bake."""
    plan, began = state.plan, around.clock()
    longest_s = step.bake_s * (1 + plan.extensions)
    until_s = step.bake_s
    while True:
        judgements = _look(state, step, began, until_s, around)
        elapsed_s = around.clock() - began
        decision = decide(judgements, ended=elapsed_s >= step.bake_s)
        if decision is not Decision.WAIT or elapsed_s >= longest_s:
            return decision, judgements
        if elapsed_s >= until_s:
            until_s = longest_s
            around.note(Conclusion("watch longer", *_because(judgements, Verdict.INCONCLUSIVE)))
        if around.wait(min(plan.interval_s, until_s - elapsed_s)):
            raise StoppedError


def _look(state: State, step: Step, began: float, until_s: float, around: Surroundings) -> Sequence[Judgement]:
    recent, problem = None, ""
    try:
        measured, recent = around.measure(step, began)
    except Exception as error:  # noqa: BLE001 - whatever it is, a window that nobody could measure is inconclusive
        measured, problem = Measurements(around.clock() - began), f"{type(error).__name__}: {error}"
    judgements = tuple(around.judge(step, measured, recent))
    around.note(Look(state.step, step.name, step.weights, until_s, measured, judgements, problem))
    return judgements


def _because(judgements: Iterable[Judgement], verdict: Verdict) -> tuple[str, tuple[str, ...]]:
    """What the triggers with that verdict say, and their names."""
    which = [each for each in judgements if each.verdict is verdict]
    return "; ".join(f"{each.trigger}: {each.said}" for each in which), tuple(each.trigger for each in which)


def _promote(state: State, around: Surroundings) -> State:
    wanted = Desired(state.plan.release)
    _apply(around, wanted)
    _verify(around, wanted)
    return _decided(around, replace(state, phase=Phase.PROMOTED, reason="", by=()), "promoted")


def _undo(state: State, around: Surroundings) -> State:
    """Take traffic off the candidates first, which may be all that they still do right; then them, then the rest."""
    plan = state.plan
    *first, last = way_back(around.deployment.desired(), plan)
    for desired in first:
        try:
            _apply(around, desired)
        except RolloutError as error:
            _stop_if_asked(around)
            around.note(Conclusion("take the candidates away at once", str(error)))
            break
    _apply(around, last)
    if _met_callers(state):  # what it has answered wrongly is not to outlive it in the cache
        _act(around, "have cached answers computed again", around.deployment.outdate_answers)
    _act(
        around,
        f"take back the migrations of {plan.release}",
        lambda: around.deployment.migrate_back(plan.release),
    )
    _verify(around, last)
    around.note(Conclusion("undone", ""))
    return replace(state, phase=Phase.UNDONE)


def _met_callers(state: State) -> bool:
    """Whether a step that gave the candidate traffic has begun."""
    return any(any(step.weights.values()) for step in state.plan.steps[: state.step + 1])


def _verify(around: Surroundings, wanted: Desired) -> None:
    if (found := around.deployment.desired()) != wanted:
        raise RolloutError(
            f"the stack has {said_of(found)} by its settings, not {said_of(wanted)}; did somebody else change them?"
        )


def _apply(around: Surroundings, desired: Desired) -> None:
    _act(around, said_of(desired), lambda: around.deployment.apply(desired))


def _act(around: Surroundings, what: str, act: Callable[[], None]) -> None:
    around.note(Action(what, done=False))
    act()
    around.note(Action(what, done=True))
    _stop_if_asked(around)


def _stop_if_asked(around: Surroundings) -> None:
    if around.wait(0):
        raise StoppedError


def _undoing(state: State, reason: str, by: tuple[str, ...] = ()) -> State:
    return replace(state, phase=Phase.UNDOING, reason=reason, by=by)


def _decided(around: Surroundings, state: State, what: str) -> State:
    around.note(Conclusion(what, state.reason, state.by))
    return state


def _saved(state: State, around: Surroundings) -> State:
    state = replace(state, changed_at=around.wall())
    around.save(state)
    return state


_ACTS: Mapping[Phase, Callable[[State, Surroundings], State]] = {
    Phase.PREPARING: _prepare,
    Phase.MIGRATING: _migrate,
    Phase.STEPPING: _step,
    Phase.PROMOTING: _promote,
    Phase.UNDOING: _undo,
}
"""What each phase does, and the state that follows."""
