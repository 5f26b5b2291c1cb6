"""CPU and memory of the stack's processes, and of those that load it, over time."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from infra.targets.local import supervisor
from infra.targets.local.memory import MIB, proportional
from infra.targets.local.paths import StackPaths

GENERATOR, WATCHER = "generator", "this program"
LOOK_S = 10.0  # so often it is looked up anew which processes there are: that reads all of the machine's
WEIGH_S = 5.0  # so often memory is read: to count what processes share once, the kernel goes through their pages


@dataclass(frozen=True)
class Used:
    """What a component used: cores on average since the reading before, and memory in MiB."""

    at: float
    component: str
    cores: float
    memory_mb: float


Roots = Callable[[], Mapping[str, Sequence[int]]]
"""The first processes of each component."""


def of_stack(paths: StackPaths | None, generator: Callable[[], Sequence[int]]) -> Roots:
    """Those of a stack of this machine, if there is one, of the generator, and of this program."""

    def roots() -> Mapping[str, Sequence[int]]:
        found = supervisor.pids(paths) if paths else {}
        return {**{name: [pid] for name, pid in found.items()}, GENERATOR: generator(), WATCHER: [os.getpid()]}

    return roots


class Meter:
    """Reads what the processes used since the last reading."""

    def __init__(self, roots: Roots, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._roots, self._clock = roots, clock
        self._families: Mapping[str, Sequence[psutil.Process]] = {}
        self._spent: dict[tuple[int, float], float] = {}  # CPU seconds of a process, by pid and start
        self._memory: Mapping[str, float] = {}
        self._looked = self._weighed = self._read_at = -LOOK_S

    def read(self, at: float) -> list[Used]:
        """What each component used; `at` is the time that the readings bear. The first reading knows no CPU yet."""
        now = self._clock()
        if now - self._looked >= LOOK_S:
            self._families, self._looked = _families(self._roots()), now
        if now - self._weighed >= WEIGH_S:
            self._memory, self._weighed = {name: _memory(family) for name, family in self._families.items()}, now
        elapsed, self._read_at = now - self._read_at, now
        spent = {name: sum(map(self._since, family)) for name, family in self._families.items()}
        return [Used(at, name, cpu_s / elapsed, self._memory.get(name, 0.0)) for name, cpu_s in spent.items()]

    def _since(self, process: psutil.Process) -> float:
        try:
            times = process.cpu_times()
        except psutil.Error:
            return 0.0
        key = process.pid, process.create_time()
        total = times.user + times.system
        before = self._spent.get(key, total)
        self._spent[key] = total
        return total - before


def _families(roots: Mapping[str, Iterable[int]]) -> Mapping[str, list[psutil.Process]]:
    """The roots and their descendants, each in the family of its nearest root."""
    children = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process)
    own = {pid for pids in roots.values() for pid in pids}
    families = {}
    for name, pids in roots.items():
        family, waiting = [], list(pids)
        while waiting:
            pid = waiting.pop()
            with suppress(psutil.Error):
                family.append(psutil.Process(pid))
            waiting += [child.pid for child in children[pid] if child.pid not in own]
        families[name] = family
    return families


def _memory(family: Iterable[psutil.Process]) -> float:
    return sum(map(proportional, family)) / MIB
