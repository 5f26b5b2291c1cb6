"""A stack that was deployed, as those look at it and repair it who do not care what runs it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from infra.drift.drift import Found
from infra.manifest import Manifest, from_json
from infra.targets.services import Secrets

State = Mapping[tuple[str, str], Mapping[str, Any]]
"""The properties of each resource of a stack in Pulumi's state, by its type and name, secrets in clear."""


def outputs(state: State) -> Mapping[str, Any]:
    """The stack's own outputs; none where it is not up."""
    return next((properties for (kind, _), properties in state.items() if kind == "pulumi:pulumi:Stack"), {})


def deployed(state: State) -> Manifest | None:
    """What the stack was to consist of at its last deployment; None where it is not up."""
    known = outputs(state).get("manifest")
    return from_json(known) if known else None


class Running(Protocol):
    """A stack of some target."""

    @property
    def wanted(self) -> Manifest:
        """What it is to consist of by its settings and this checkout."""

    @property
    def deployed(self) -> Manifest:
        """What it was to consist of at its last deployment."""

    @property
    def secrets(self) -> Secrets:
        """Its secrets by name."""

    @property
    def gateway_files(self) -> Mapping[str, str]:
        """The gateway's files as they are to be, with the secrets in them."""

    @property
    def envoy(self) -> bool:
        """Whether Envoy stands in for Kong."""

    @property
    def proxies(self) -> Sequence[Mapping[str, Any]]:
        """The proxies that Toxiproxy is to have."""

    @property
    def redis_settings(self) -> Mapping[str, str]:
        """The settings by which Redis is to go, in its own words."""

    @property
    def near(self) -> bool:
        """Whether its ports are this machine's, so that its components can be asked."""

    def is_up(self) -> bool:
        """Whether there is anything to look at."""

    def found(self) -> Found:
        """What there is."""

    def remove(self, component: str, name: str) -> None:
        """Stop a component that nobody wants, or what runs for it under that name alone; its data stays."""

    def resume(self, component: str) -> None:
        """Let a suspended component go on."""

    def redo(self, component: str) -> None:
        """Start a component, or run a job, as it was deployed; raises RuntimeError. The data stays."""

    def rewrite(self, component: str) -> None:
        """Hand over again what a component reads without a restart; raises RuntimeError."""
