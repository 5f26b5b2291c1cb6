"""What a trigger says about a window, and what a rollout does about it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Healthy lets a rollout go on, unhealthy undoes it, inconclusive pauses it."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Judgement:
    """One trigger's verdict: its value against its bound, and the reason, or what is missing for one."""

    trigger: str
    verdict: Verdict
    value: float | None
    bound: float
    said: str


class Decision(StrEnum):
    """What follows from a look at a step."""

    GO_ON = "go on"
    UNDO = "undo"
    WAIT = "wait"


def decide(judgements: Collection[Judgement], *, ended: bool) -> Decision:
    """What a look says: undo as soon as one trigger fires, go on once the bake has ended and all are healthy.

    Anything else is to wait: until the bake has ended, then for as long as it may be extended, then for a person.
    """
    verdicts = {judgement.verdict for judgement in judgements}
    if Verdict.UNHEALTHY in verdicts:
        return Decision.UNDO
    return Decision.GO_ON if ended and verdicts == {Verdict.HEALTHY} else Decision.WAIT


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The first of the heaviest: unhealthy outweighs inconclusive, which outweighs healthy."""
    order = (Verdict.UNHEALTHY, Verdict.INCONCLUSIVE, Verdict.HEALTHY)
    return min(judgements, key=lambda judgement: order.index(judgement.verdict))
