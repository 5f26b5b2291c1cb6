"""How components become real: each target deploys the topology, and says beforehand what that would be."""

from collections.abc import Mapping
from typing import Any

from infra.manifest import Manifest
from infra.secret import Step
from infra.settings import Settings, SettingsError
from infra.targets.local import deploy as local
from infra.targets.local import manifest as local_manifest
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
    """What a stack with these settings is to consist of; raises SettingsError for a target that cannot deploy yet."""
    _check_target(settings)
    return local_manifest.wanted(topology_of(settings), settings)


def deploy(settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare the stack's resources to Pulumi; returns its outputs. Raises SettingsError as `wanted` does.

    Args:
        steps: the step to take with a secret, by its name; a rotation asks for them.
    """
    _check_target(settings)
    return local.deploy(topology_of(settings), settings, steps)


def _check_target(settings: Settings) -> None:
    if settings.target != "local":
        raise SettingsError(
            f"target {settings.target} has images (`make images`) but cannot be deployed yet; use local"
        )
