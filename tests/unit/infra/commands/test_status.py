from dataclasses import dataclass, field

import psutil
import pytest

from infra.commands import status
from infra.targets.local.memory import MIB


@dataclass
class Memory:
    pss: int = 0
    rss: int = 0


@dataclass
class Process:
    mib: int | None = None  # None: it ends as soon as somebody looks at it
    shared: bool = True  # whether it may be known what it shares
    family: "list[Process]" = field(default_factory=list)

    def children(self, *, recursive: bool) -> "list[Process]":
        return self.family

    def memory_full_info(self) -> Memory:
        if self.mib is None:
            raise psutil.NoSuchProcess(1)
        if not self.shared:
            raise psutil.AccessDenied(1)
        return Memory(pss=self.mib * MIB)

    def memory_info(self) -> Memory:
        return Memory(rss=(self.mib or 0) * MIB)


@pytest.mark.parametrize(
    ("process", "mib"),
    [
        (Process(30), 30),
        (Process(30, family=[Process(4), Process(None)]), 34),
        (Process(30, shared=False), 30),
        (Process(None), 0),
    ],
)
def test_a_child_that_ends_while_it_is_looked_at_does_not_hide_the_memory_of_the_others(
    process: Process, mib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "Process", lambda _: process)
    assert status._memory_mb(1) == mib
