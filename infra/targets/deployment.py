"""How components become real: each target deploys the topology, and says beforehand what that would be."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from infra.manifest import Manifest
from infra.secret import Step
from infra.settings import Settings
from infra.targets.docker import manifest as docker_manifest
from infra.targets.docker.place import Place
from infra.targets.local import manifest as local_manifest
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import Stack
from infra.targets.local.running import LocalStack
from infra.targets.running import Running, State
from infra.topology import Topology, topology

_WANTED: Mapping[str, Callable[[Topology, Settings], Manifest]] = {
    "local": local_manifest.wanted,
    "docker": docker_manifest.wanted,
}


def topology_of(settings: Settings) -> Topology:
    """The topology that a stack with these settings has; raises TopologyError where it does not fit together."""
    return topology(
        settings.port_offset,
        chaos=settings.chaos,
        qdrant_nodes=settings.qdrant_nodes,
        observability=settings.target != "local",
        candidates=bool(settings.candidate),
    )


def wanted(settings: Settings) -> Manifest:
    """What a stack with these settings is to consist of."""
    return _WANTED[settings.target](topology_of(settings), settings)


def deploy(settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare the stack's resources to Pulumi; returns its outputs.

    Args:
        steps: the step to take with a secret, by its name; a rotation asks for them.
    """
    target = import_module(f"infra.targets.{settings.target}.deploy")  # the one alone: its provider's package is large
    return cast(dict[str, Any], target.deploy(topology_of(settings), settings, steps))


def running(settings: Settings, state: State) -> Running:
    """A stack with these settings that was deployed, by its state in Pulumi."""
    topology = topology_of(settings)
    if settings.target == "docker":
        stack = import_module("infra.targets.docker.stack")
        return cast(Running, stack.DockerStack(Place(topology, settings), state))
    return LocalStack(Stack(topology, settings, StackPaths.of(settings.stack)), state)
