"""What a stack is to run during a rollout, and who makes it so: the only way by which the engine changes anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Desired:
    """Which releases a stack is to run, as its settings say."""

    release: str  # of every service; on the local target `releases.own()` is this checkout
    candidate: str = ""  # the release beside it, of every service; "" is none
    weights: Mapping[str, int] = field(default_factory=dict)  # percent for the candidate, by service; 0 where none is


def said_of(desired: Desired) -> str:
    """A wish in words."""
    release = f"release {desired.release}"
    if not desired.candidate:
        return f"{release} alone"
    return f"{release} beside {desired.candidate}, which gets {weights_said(desired.weights)}"


def weights_said(weights: Mapping[str, int]) -> str:
    """Each service's weight; one number where they are all the same."""
    if len(set(weights.values())) <= 1:
        return f"{next(iter(weights.values()), 0)} %"
    return ", ".join(f"{service} {weight} %" for service, weight in weights.items())


class Deployment(Protocol):
    """A stack whose releases can be changed."""

    def desired(self) -> Desired:
        """What the stack's settings say now."""

    def apply(self, desired: Desired) -> None:
        """Make it so, without a failed request, and return when every component is healthy and the gateway follows.

        Can be repeated at any time, also after having been killed. Raises RolloutError with what to look at.
        """

    def migrate(self, release: str) -> None:
        """Run the release's migrations that the database lacks; raises RolloutError with what the failed one said."""

    def migrate_back(self, release: str) -> None:
        """Take back, by their down steps, the release's migrations that the stable release does not have."""

    def outdate_answers(self) -> None:
        """Have every answer that is kept be computed again before it is given; raises RolloutError."""


class RolloutError(RuntimeError):
    """A rollout cannot go on; the message says why and what to do."""
