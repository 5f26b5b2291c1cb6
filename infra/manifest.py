"""What a stack consists of once it is deployed, component by component: the same plain data for every target.

Each target says what it wants of a component (`infra.targets`), and what it finds. Policies judge the wanted, a plan
compares it with the last deployment, and drift is where the found differs. No secret is in it: a file that holds some
counts by its digest with each secret replaced by its name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from pydantic import TypeAdapter

from infra.topology import Limits

Strategy = Literal["stop-first", "create-first", "run"]
"""How a changed component is replaced: the old one ends before the new one starts; the new one is healthy and in
rotation before the old one ends; or, for a job, it runs again."""


@dataclass(frozen=True)
class Published:
    """A port of the machine that leads to a component's."""

    address: str  # the interface, such as 127.0.0.1
    host: int
    inner: int


@dataclass(frozen=True)
class Deployed:
    """One component as it is to run, or as it runs."""

    component: str
    runs: str  # the image with its tag and digest, or the program with its version
    command: tuple[str, ...]
    strategy: Strategy
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # by name: the content's digest
    live_files: Mapping[str, str] = field(default_factory=dict)  # those that take no restart when they change
    source: str = ""  # a digest of the project's own code that it runs, where that is not in an image
    limits: Limits | None = None  # None: not enforced
    health: tuple[str, ...] = ()  # the check; empty: none
    ports: tuple[Published, ...] = ()
    networks: tuple[str, ...] = ()  # "host": the machine's own
    volumes: Mapping[str, str] = field(default_factory=dict)  # by where they are mounted
    after: tuple[str, ...] = ()  # the components that have to be healthy before it starts
    user: str = ""
    read_only: bool = False
    privileged: bool = False
    capabilities: tuple[str, ...] = ()  # beyond none
    restarts: bool = True  # by itself, when it ends
    stateful: bool = False


@dataclass(frozen=True)
class Manifest:
    """All components of a stack in the order in which they start, and what holds for the stack as a whole."""

    stack: str
    target: str
    components: tuple[Deployed, ...]
    replication: tuple[int, int]  # on how many nodes a point is, and how many acknowledge a write

    def component(self, name: str) -> Deployed | None:
        """The component of that name, if there is one."""
        return next((one for one in self.components if one.component == name), None)

    def to_json(self) -> dict[str, Any]:
        """It as JSON: the stack's output `manifest`."""
        return asdict(self)


_MANIFEST = TypeAdapter(Manifest)
FIELDS = tuple(one.name for one in fields(Deployed) if one.name != "component")


def from_json(data: Any) -> Manifest:
    """The manifest from what `to_json` made; raises pydantic.ValidationError for anything else."""
    return _MANIFEST.validate_python(data)


@dataclass(frozen=True)
class Change:
    """A field of a component that is not the same in two manifests; the component itself is new or gone for `""`."""

    component: str
    field: str
    before: Any
    after: Any


def changes(before: Deployed | None, after: Deployed | None) -> list[Change]:
    """What differs between two states of one component; None where there is none."""
    if before is None or after is None:
        name = (before or after or _NOTHING).component
        return [] if before is after else [Change(name, "", before, after)]
    return [
        Change(after.component, name, getattr(before, name), getattr(after, name))
        for name in FIELDS
        if getattr(before, name) != getattr(after, name)
    ]


_NOTHING = Deployed("", "", (), "run")


def digest(content: str) -> str:
    """The digest by which a file's content counts."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def placeholder_secrets(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """For each secret its own name: with these, files are rendered to be compared without any secret."""
    return {name: (name,) for name in names}
