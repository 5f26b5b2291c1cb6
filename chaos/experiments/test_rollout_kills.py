"""A rollout whose engine, or a part of the stack, is killed: it ends promoted or undone, and nothing in between."""

import random
from pathlib import Path

import pytest

from chaos.experiment import Experiment, experiment
from chaos.faults import Kill
from chaos.releases import defective, good
from chaos.rollouts import RATE, Ended, Rollout, callers, failed, last, rolled
from chaos.settled import settled
from infra.rollout.deployment import Desired
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.rollout.state import ENDED, Phase
from infra.targets.local import supervisor

SHORT = ("--strategy", "blue-green", "--bake", "5")
KILLS = [
    ("migrating", "resume"),
    ("stepping", "resume"),
    ("stepping", "abort"),
    ("promoting", "resume"),
    ("promoting", "abort"),
    ("undoing", "resume"),
    ("undoing", "abort"),
]
INTO_S = 4.0  # at most, from the begin of a phase to the kill; drawn by chance
OFTEN = 5  # kills at random moments of one rollout
BETWEEN_S = (1.0, 20.0)
COMPONENTS = 3  # experiments with one that is drawn


def new(phase: str, folder: Path) -> Path:
    """A release whose rollout comes to that phase."""
    return defective("broken-search", folder) if phase == "undoing" else good(folder, migration=True)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("phase", "then"), KILLS)
@experiment("rollback-triggers", "no-downtime")
async def test_a_rollout_is_killed(e: Experiment, phase: str, then: str) -> None:
    """A rollout is killed while {phase}: `{then}` ends it, nothing of two releases is mixed, and no request fails."""
    before = PulumiDeployment(e.stack.name).desired()
    chance = random.Random(f"{e.suite.run.seed}{e.entry.name}")  # noqa: S311 - to be repeated
    into_s = chance.uniform(0, INTO_S)
    async with (
        e.load(callers(e), rate=RATE),
        rolled(e.stack.name, lambda folder: new(phase, folder), *SHORT) as rollout,
    ):
        killed = await rollout.killed_when(lambda: _at(e, phase), then_s=into_s)
        ended = await (await Rollout.begun(e.stack.name, then)).ended()
        await _one_release(e, before, ended)
        found = last(e.stack.name)
    assert found
    wanted = Phase.UNDONE if then == "abort" or phase == "undoing" else Phase.PROMOTED
    e.expect("killed", killed, f"{into_s:.1f} s into {phase}")
    e.expect("ended-as-told", found.phase is wanted, f"{found.phase}, to be {wanted}; {ended}")
    bad = failed(e.requests)
    e.expect("none-fails", not bad, f"{len(bad)} of {len(e.requests)} failed")


def _at(e: Experiment, phase: str) -> bool:
    found = last(e.stack.name)
    return found is not None and found.phase == phase and (phase != Phase.STEPPING or found.step > 0)


async def _one_release(e: Experiment, before: Desired, ended: Ended) -> None:
    """Check that the rollout has ended, and that the stack is wholly what its end says."""
    found = last(e.stack.name)
    assert found
    e.expect("ended", found.phase in ENDED, f"{found.phase}; {ended}")
    await settled(e, Desired(found.plan.release) if found.phase is Phase.PROMOTED else before)


@pytest.mark.full
@pytest.mark.timeout(900)
@experiment("rollback-triggers", "no-downtime")
async def test_a_rollout_is_killed_again_and_again(e: Experiment) -> None:
    """The engine of a rollout is killed at random moments, and resumed each time: it is promoted without a failure."""
    before = PulumiDeployment(e.stack.name).desired()
    chance = random.Random(e.suite.run.seed)  # noqa: S311 - to be repeated
    kills: list[str] = []
    async with (
        e.load(callers(e), rate=RATE),
        rolled(e.stack.name, lambda folder: good(folder, migration=True), *SHORT) as begun,
    ):
        rollout = begun
        for _ in range(OFTEN):
            if not await rollout.killed_when(lambda: True, then_s=chance.uniform(*BETWEEN_S)):
                break
            found = last(e.stack.name)
            kills.append(str(found and found.phase))
            rollout = await Rollout.begun(e.stack.name, "resume")
        ended = await rollout.ended()
        await _one_release(e, before, ended)
        found = last(e.stack.name)
    e.expect("killed", bool(kills), f"killed while {', '.join(kills)}")
    e.expect("promoted", found is not None and found.phase is Phase.PROMOTED, f"{ended}")
    bad = failed(e.requests)
    e.expect("none-fails", not bad, f"{len(bad)} of {len(e.requests)} failed")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(COMPONENTS))
@experiment("rollback-triggers")
async def test_a_component_is_killed_during_a_rollout(e: Experiment, number: int) -> None:
    """A component drawn by chance (draw {number}) is killed during a rollout: promoted, undone, or paused."""
    before = PulumiDeployment(e.stack.name).desired()
    chance = random.Random(f"{e.suite.run.seed}{number}")  # noqa: S311 - to be repeated
    async with e.load(callers(e), rate=RATE):
        async with rolled(e.stack.name, good, *SHORT) as rollout:
            await e.until(lambda: _begun(e), 60)
            await e.lasts(chance.uniform(0, BETWEEN_S[1]))
            component = chance.choice(_running(e))
            async with e.broken(Kill(component)):
                await e.lasts(0.5)
            ended = await rollout.ended()
            found = last(e.stack.name)
            if found and found.phase is Phase.PAUSED:
                ended = await (await Rollout.begun(e.stack.name, "abort")).ended()
            well = await e.until(e.healthy, 60)
            await _one_release(e, before, ended)
        served = await e.recovered()
    e.expect("killed", True, component)
    e.expect("served", well is not None and served is not None, f"healthy after {well} s, served after {served} s")


async def _begun(e: Experiment) -> bool:
    return _at(e, Phase.STEPPING)


def _running(e: Experiment) -> list[str]:
    """The components that run at this moment, candidates among them."""
    return sorted(name for name, one in supervisor.states(e.stack.paths).items() if one["statename"] == "RUNNING")
