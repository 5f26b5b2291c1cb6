"""A secret of the stack as a Pulumi resource: random once, and kept encrypted in the stack's state."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from infra.secret import SecretState, Step, random_secret
from infra.targets.dynamic import Props, Provider


class SecretProvider(Provider):
    """Changed by the steps of a rotation and nothing else."""

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        return DiffResult(changes=secret_state(olds).applies(news.get("step")), replaces=[])

    def create(self, props: Props) -> CreateResult:
        return CreateResult(str(props["label"]), {**props, **vars(SecretState(random_secret()))})

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        return UpdateResult({**news, **vars(secret_state(olds).after(news.get("step")))})


def secret_state(properties: Mapping[str, Any]) -> SecretState:
    """What the properties of a Secret say; one that was made before there were rotations has a value only."""
    return SecretState(properties["value"], properties.get("other") or "", properties.get("phase") or "steady")


class Secret(Resource, module="local", name="Secret"):
    """A random secret of 256 bits, and the other one of its last rotation; `local:Secret` on all targets."""

    value: pulumi.Output[str]
    other: pulumi.Output[str]
    phase: pulumi.Output[str]

    def __init__(self, name: str, step: Step | None) -> None:
        super().__init__(
            SecretProvider(),
            name,
            {"label": name, "step": step, "value": None, "other": None, "phase": None},
            pulumi.ResourceOptions(additional_secret_outputs=["value", "other"]),
        )

    @property
    def accepted(self) -> pulumi.Output[list[str]]:
        """What passes, the one in use first."""
        properties = {"value": self.value, "other": self.other, "phase": self.phase}
        return pulumi.Output.all(**properties).apply(lambda known: list(secret_state(known).accepted))
