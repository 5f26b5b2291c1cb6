"""The topology as containers, each a Pulumi resource."""

from collections.abc import Mapping
from typing import Any

from infra.secret import Step
from infra.settings import Settings
from infra.topology import Topology


def deploy(topology: Topology, settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare every component of `topology` as a resource; returns the stack's outputs."""
    raise NotImplementedError
