"""How components become real: each target deploys the topology, and says beforehand what that would be."""

from collections.abc import Mapping
from typing import Any

from infra.manifest import Manifest
from infra.secret import Step
from infra.settings import Settings
from infra.topology import Topology, topology


def topology_of(settings: Settings) -> Topology:
    """The topology that a stack with these settings has; raises TopologyError where it does not fit together."""
    return topology(
        settings.port_offset,
        chaos=settings.chaos,
        qdrant_nodes=settings.qdrant_nodes,
        observability=settings.target != "local",
    )


def wanted(settings: Settings) -> Manifest:
    """What a stack with these settings is to consist of."""
    if settings.target == "docker":
        from infra.targets.docker import manifest as docker  # noqa: PLC0415 - a target's own libraries

        return docker.wanted(topology_of(settings), settings)
    from infra.targets.local import manifest as local  # noqa: PLC0415

    return local.wanted(topology_of(settings), settings)


def deploy(settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare the stack's resources to Pulumi; returns its outputs.

    Args:
        steps: the step to take with a secret, by its name; a rotation asks for them.
    """
    if settings.target == "docker":
        from infra.targets.docker import deploy as docker  # noqa: PLC0415

        return docker.deploy(topology_of(settings), settings, steps)
    from infra.targets.local import deploy as local  # noqa: PLC0415

    return local.deploy(topology_of(settings), settings, steps)
