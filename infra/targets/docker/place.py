"""Where the containers of a stack find each other and their files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from infra.settings import Settings
from infra.targets.docker.container import FOLDER
from infra.targets.services import SERVICES
from infra.topology import Topology

EVERY = "0.0.0.0"  # noqa: S104 - inside a container; what is published is said elsewhere
LOOPBACK = "127.0.0.1"
_FOLDERS = {"data_root": "/data", "docs_root": "/docs"}


@dataclass(frozen=True)
class Place:
    """The docker target's `services.Place`.

    Every container is found by its component's name. While a service is replaced there are two of that name, the new
    one not yet serving, so those that call a service get the name of just one container from `hosts`.
    """

    topology: Topology
    settings: Settings
    hosts: Mapping[str, str] = field(default_factory=dict)

    def address(self, consumer: str, dependency: str) -> str:
        """`host:port` at which `consumer` finds `dependency`: the edge's proxy, or the dependency itself."""
        edge = self.topology.edge(consumer, dependency)
        if self.settings.chaos:
            return f"toxiproxy:{edge.listen}"
        return f"{self.hosts.get(dependency, dependency)}:{self.port(dependency, edge.port)}"

    def port(self, component: str, port: str = "http") -> int:
        """The port that `component` itself listens on."""
        return self.topology.component(component).port(port).container

    def listens(self, component: str) -> tuple[str, int]:
        """The host and port that `component` binds for HTTP."""
        return EVERY, self.port(component)

    def file(self, _component: str, name: str) -> str:
        """The path of a component's file."""
        return f"{FOLDER}/{name}"

    def folder(self, setting: str) -> str:
        """The path of the collections file, or where `data_root` or `docs_root` is mounted."""
        return _FOLDERS.get(setting) or str(PurePosixPath(FOLDER, self.settings.collections_file.name))

    def rolled(self, component: str) -> bool:
        """Whether a new container of it is healthy before the old one goes; behind a proxy that finds one by name, no.

        Nor is anything with a port of the machine, which two cannot have, or that the stack has no memory for twice.
        """
        role = self.topology.component(component).role
        return role in SERVICES and not self.settings.chaos and role not in self.settings.stop_first

    def called(self, consumer: str) -> tuple[str, ...]:
        """The components that `consumer` calls and of which there may be two."""
        return tuple(e.dependency for e in self.topology.edges if e.consumer == consumer and self.rolled(e.dependency))

    def physical(self, name: str) -> str:
        """What is called `name` in the stack, as it is called at the engine."""
        return f"breakwater-{self.settings.stack}-{name}"


def host_of(docker_host: str) -> str:
    """The machine of the engine at `docker_host`, as it is reached from here."""
    return urlsplit(docker_host).hostname or LOOPBACK
