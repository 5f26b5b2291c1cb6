"""Rollouts: a bad release is undone by itself, a good one takes the old one's place, and no request fails for it."""

import time
from functools import partial

import pytest

from chaos.experiment import Experiment, experiment
from chaos.releases import DEFECTS, defective, good
from chaos.rollouts import RATE, at_most, callers, exposed, failed, last, rolled, rollouts
from chaos.settled import settled
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.rollout.state import Phase

STRATEGIES = ("rolling", "blue-green", "canary")
GOOD = {"rolling": 2, "blue-green": 12, "canary": 6}
"""By strategy: how many in a row; twenty in all."""
FIRST = 0.10  # of the traffic: a canary's first weight

TRIGGERS = {
    "error-rate": {"error-rate"},
    "latency": {"latency"},
    "flapping-breakers": {"false-trips"},
    "broken-search": {"critical-functions"},
    "inconsistent-writes": {"replicas"},
    "wrong-route": {"routing"},
    "failing-migration": {"migration"},
}
"""By defect: the triggers of which one has to be the reason."""


QUICK = {("rolling", "failing-migration"), ("blue-green", "wrong-route")}
"""Those that are over soon; one of them has candidates, and traffic at them."""

CELLS = [
    pytest.param(strategy, kind, marks=() if (strategy, kind) in QUICK else pytest.mark.full)
    for strategy in STRATEGIES
    for kind in DEFECTS
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("strategy", "kind"), CELLS)
@experiment("rollback-triggers", "no-downtime")
async def test_a_bad_release_is_undone(e: Experiment, strategy: str, kind: str) -> None:
    """A release with {kind} is rolled out ({strategy}): its trigger undoes it, and the old one answers everything."""
    before = PulumiDeployment(e.stack.name).desired()
    async with e.load(callers(e), rate=RATE):
        await e.lasts(1)
        async with rolled(e.stack.name, lambda folder: defective(kind, folder), "--strategy", strategy) as rollout:
            ended = await rollout.ended()
            found = last(e.stack.name)
            undone = e.now()
            await e.lasts(2)
            await settled(e, before)
    assert found
    e.expect("undone", found.phase is Phase.UNDONE and ended.code == 1, f"{found.phase}; {ended}")
    e.expect("by-its-trigger", bool(TRIGGERS[kind] & {*found.by}), f"by {', '.join(found.by)}: {found.reason}")
    began, over = at(e, exposed(found))
    met = [r for r in e.requests if r.ended >= began and r.started <= over]
    others = [r for r in e.requests if r.ended < began or r.started > over]
    e.expect("harmless-before-and-after", not failed(others), f"{len(failed(others))} of {len(others)} failed")
    after = {r.headers.get("x-release") for r in e.requests if r.started > undone}
    e.expect("old-release", after == {before.release}, f"after it was undone, {after} answered")
    if strategy == "canary":
        most = at_most(len(met), FIRST)
        said = f"{len(failed(met))} of {len(met)} failed while it was a canary; its share is at most {most}"
        e.expect("no-more-than-its-share", len(failed(met)) <= most, said)


def at(e: Experiment, times: tuple[float, float] | None) -> tuple[float, float]:
    """Both in the experiment's time; never, where there are none."""
    if times is None:
        return float("inf"), float("inf")
    began_at = time.time() - e.now()
    return times[0] - began_at, times[1] - began_at


@pytest.mark.full
@pytest.mark.timeout(2400)
@pytest.mark.parametrize(("strategy", "count"), GOOD.items())
@experiment("no-downtime")
async def test_good_releases_are_promoted(e: Experiment, strategy: str, count: int) -> None:
    """{count} good releases with a migration, one after another ({strategy}): each is promoted, no request fails."""
    periods: list[tuple[str, float]] = []  # the release that answers everything from a time on
    async with e.load(callers(e), rate=RATE):
        await e.lasts(1)
        async with rollouts(e.stack.name) as them:
            for number in range(count):
                release = partial(good, number=number, migration=True)
                rollout = await them.begin(release, "--strategy", strategy)
                ended = await rollout.ended()
                found = last(e.stack.name)
                promoted = found is not None and found.phase is Phase.PROMOTED and ended.code == 0
                e.expect(f"promoted-{number + 1}", promoted, f"{found and found.phase}; {ended}")
                if not promoted:
                    break
                periods.append((them.prepared[-1].name, e.now()))
                await e.lasts(2)
            back = e.now()
            await settled(e, PulumiDeployment(e.stack.name).desired())
    bad = failed(e.requests)
    e.expect("none-fails", not bad, f"{len(bad)} of {len(e.requests)} failed, also on the way back to the old one")
    for name, begin in periods:
        after = {r.headers.get("x-release") for r in e.requests if begin < r.started < min(begin + 2, back)}
        e.expect("new-release", after == {name}, f"after it was promoted, {after} answered")
