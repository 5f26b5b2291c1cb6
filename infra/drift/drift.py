"""A difference between what is wanted of a stack and what is found, as plain data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from infra.drift.kinds import COMMANDS, KINDS, By
from infra.manifest import Deployed

ABSENT = "not there"
UNDEPLOYED = "the settings, the code or this machine's programs have changed since the last make up"


@dataclass(frozen=True)
class Drift:
    """A difference. `what` is the thing within the component, if it is not the component as a whole."""

    component: str
    kind: str
    what: str = ""
    wanted: str = ""
    found: str = ""
    at: str = ""  # the address of the API that a person needs to repair it
    undeployed: bool = False  # it runs as it was deployed; since then something else is wanted

    @property
    def cause(self) -> str:
        """What has most likely happened."""
        return UNDEPLOYED if self.undeployed else self._filled(KINDS[self.kind].cause)

    @property
    def by(self) -> By:
        """Who repairs it."""
        return "up" if self.undeployed else KINDS[self.kind].by

    @property
    def repair(self) -> str:
        """The command that repairs it, and what that does; or what a person has to decide."""
        if self.undeployed:
            return f"{COMMANDS[self.by]}: deploys the change"
        words = self._filled(KINDS[self.kind].repair)
        return words if self.by == "person" else f"{COMMANDS[self.by]}: {words}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it is, by which it is known again in a later look."""
        return (self.component, self.kind, self.what)

    def _filled(self, text: str) -> str:
        return text.format(component=self.component, what=self.what, at=self.at)


@dataclass(frozen=True)
class Found:
    """What there is of a stack's components, and what a manifest cannot say of it."""

    components: tuple[Deployed, ...]
    conditions: tuple[Drift, ...] = ()


def redacted(drift: Drift, secrets: Mapping[str, Iterable[str]]) -> Drift:
    """With the name in place of each secret, should a person have put one where none belongs."""

    def hidden(text: str) -> str:
        for name, values in secrets.items():
            for value in values:
                text = text.replace(value, f"<{name}>")
        return text

    return replace(drift, what=hidden(drift.what), wanted=hidden(drift.wanted), found=hidden(drift.found))
