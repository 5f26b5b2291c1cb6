"""The way from what a stack runs to what it is to run, in stages of which none fails a request.

A release is started, restarted and ended only while no request goes to it. So a candidate comes at weight 0, and goes
at weight 0; and the stable release changes while the candidates answer everything.
"""

from collections.abc import Iterator
from itertools import groupby

from infra.rollout.deployment import Desired
from infra.topology import RELEASED

ALL = dict.fromkeys(RELEASED, 100)
NONE = dict.fromkeys(RELEASED, 0)


def stages(now: Desired, to: Desired) -> list[Desired]:
    """Each is one change of the settings; the first is what they say now, which a kill may have left half done."""
    return [stage for stage, _ in groupby(_stages(now, to))]


def _stages(now: Desired, to: Desired) -> Iterator[Desired]:
    yield now
    if now.release != to.release:
        holder = now.candidate or to.release
        yield Desired(now.release, holder, {**NONE, **now.weights})
        yield Desired(now.release, holder, ALL)
        now = Desired(to.release, holder, ALL)
        yield now
    if now.candidate and now.candidate != to.candidate:
        yield Desired(now.release, now.candidate, dict.fromkeys(now.weights, 0))
        now = Desired(now.release)
        yield now
    if not now.candidate and to.candidate:
        yield Desired(to.release, to.candidate, dict.fromkeys(to.weights, 0))
    yield to


def gives_up(now: Desired, to: Desired) -> bool:
    """Whether the candidate is to go and nothing else is to happen: then it need not work, nor be whole."""
    return to == Desired(now.release) and now.candidate not in {"", now.release}


def ends(before: Desired, after: Desired) -> bool:
    """Whether processes that ran before are stopped on the way to the next stage."""
    return before.release != after.release or before.candidate not in {"", after.candidate}
