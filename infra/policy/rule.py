"""What a rule is: a statement about a stack, and how everything that contradicts it is told."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from infra.manifest import Manifest
from infra.settings import Settings
from infra.topology import Limits, Topology

THE_STACK = ""
"""In a complaint's first place: no single component is the culprit."""

Complaint = tuple[str, str, str]
"""The component, what is wrong with it, and what repairs that."""


@dataclass(frozen=True)
class Case:
    """What is judged, and the design and the settings that it is held to."""

    manifest: Manifest
    topology: Topology
    settings: Settings

    @property
    def in_containers(self) -> bool:
        """Whether the target runs images in containers, with limits enforced; otherwise it runs processes."""
        return self.manifest.target != "local"

    @cached_property
    def limits(self) -> Mapping[str, Limits]:
        """The limits by component: those enforced or, where the target enforces none, the design's."""
        if not self.in_containers:
            return {component.name: component.limits for component in self.topology.components}
        return {one.component: one.limits for one in self.manifest.components if one.limits}


@dataclass(frozen=True)
class Rule:
    """A rule's name, what holds where it is kept, and the check that yields what does not."""

    name: str
    says: str
    check: Callable[[Case], Iterator[Complaint]]
    processes: bool = True  # whether it is about processes too; otherwise about containers only

    def concerns(self, case: Case) -> bool:
        """Whether the rule is about the target of the case."""
        return self.processes or case.in_containers


@dataclass(frozen=True)
class Violation:
    """A component, or `THE_STACK`, that does not keep a rule."""

    rule: str
    component: str
    says: str
    repair: str

    def __str__(self) -> str:
        """All of it in one sentence."""
        where = f"{self.component}: " if self.component else ""
        return f"[{self.rule}] {where}{self.says}; {self.repair}"
