"""What a stack of the docker target is to consist of, as plain data without secrets."""

from infra.manifest import Manifest
from infra.settings import Settings
from infra.topology import Topology


def wanted(topology: Topology, settings: Settings) -> Manifest:
    """Every component as a container."""
    raise NotImplementedError
