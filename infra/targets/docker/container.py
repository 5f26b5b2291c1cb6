"""A container as the docker target wants it: everything that Docker is told, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.manifest import Published, Strategy
from infra.targets.services import Files, no_files
from infra.topology import Limits, Volume

FOLDER = "/etc/breakwater"
"""Where a container has the files that are given to it, unless the program looks for them elsewhere."""

SLOWER = 3
"""A limit on CPU makes a start this much slower than that of a process without one, which the topology goes by."""


@dataclass(frozen=True)
class Check:
    """A health check: a command inside the container that ends with 0 where it serves."""

    command: tuple[str, ...]
    start_s: int  # what a start may take; until then a failure does not count
    interval_s: int = 5
    timeout_s: int = 5
    retries: int = 3


@dataclass(frozen=True)
class Container:
    """One component's container. What is not given is the image's own, and no right that is not named is there."""

    component: str
    image: str
    limits: Limits
    strategy: Strategy
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Files = no_files  # by absolute path
    live_files: Files = no_files  # in a volume of `read_volumes`; a change takes no restart
    folders: dict[str, str] = field(default_factory=dict)  # of the machine, read-only, by where they are mounted
    volumes: tuple[Volume, ...] = ()  # writable
    read_volumes: tuple[Volume, ...] = ()  # what others write
    networks: tuple[str, ...] = ("internal",)
    published: tuple[Published, ...] = ()
    check: Check | None = None  # none: it runs to its end
    read_only: bool = True
    tmpfs: Mapping[str, str] = field(default_factory=dict)  # options by where it is mounted
    capabilities: tuple[str, ...] = ()  # beyond none, in the engine's own spelling: CAP_CHOWN
    stop_signal: str = "SIGTERM"
    stop_s: int = 30  # to end by itself
    init: bool = False  # a first process that reaps children
    open_files: int = 0  # 0: the engine's own limit
    shared_memory_mb: int = 0  # 0: the engine's own, 64
    gpu: bool = False
    after: tuple[str, ...] = ()

    @property
    def job(self) -> bool:
        """Whether it runs to its end."""
        return self.check is None
