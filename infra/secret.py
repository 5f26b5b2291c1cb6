"""A secret of a stack as Pulumi's state holds it, and the steps by which it changes without a refused request."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Phase = Literal["steady", "introduced", "switched", "retired"]
Step = Literal["introduce", "switch", "retire"]

BEFORE: dict[Step, tuple[Phase, ...]] = {
    "introduce": ("steady", "retired"),
    "switch": ("introduced",),
    "retire": ("switched",),
}
"""The phases that a step leaves; on a secret in another phase it does nothing, so that it can be repeated."""

VARIABLE = "BREAKWATER_STEPS"
"""The environment variable by which `breakwater rotate` tells the Pulumi program the steps to take; no secret in it.

Not a setting: a settings file is under version control, and would have to be changed back.
"""


def random_secret() -> str:
    """256 random bits as text without white space."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class SecretState:
    """What its users send or sign with, and the one that comes or goes.

    A retired one is kept until the next comes, so that it can be shown to be refused as often as one likes.
    """

    value: str
    other: str = ""
    phase: Phase = "steady"

    @property
    def accepted(self) -> tuple[str, ...]:
        """Everything that passes, the one in use first."""
        return (self.value, self.other) if self.phase in {"introduced", "switched"} else (self.value,)

    def applies(self, step: Step | None) -> bool:
        """Whether `after(step)` would be different."""
        return step is not None and self.phase in BEFORE[step]

    def after(self, step: Step | None, make: Callable[[], str] = random_secret) -> "SecretState":
        """The secret with that step taken."""
        if step is None or not self.applies(step):
            return self
        if step == "introduce":
            return SecretState(self.value, make(), "introduced")
        if step == "switch":
            return SecretState(self.other, self.value, "switched")
        return SecretState(self.value, self.other, "retired")


def asked_steps(environment: Mapping[str, str]) -> dict[str, Step]:
    """The steps that `environment` asks for, by the secret's name; none as a rule."""
    asked: dict[str, Step] = json.loads(environment.get(VARIABLE) or "{}")
    return asked
