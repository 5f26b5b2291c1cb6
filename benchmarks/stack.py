"""The stacks that are measured, and what their components spend meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from benchmarks.benchmark import Kind
from chaos.stack import Stack
from infra import own_stack
from infra.targets.local import supervisor

SETTINGS: Mapping[Kind, own_stack.Settings] = {
    "plain": {"chaos": False},
    "proxied": {"chaos": True, "breakerRecoveryS": 2},
}


def kind(of: Stack) -> Kind:
    """Whether the stack has proxies on its edges."""
    return "proxied" if of.proxied else "plain"


@contextmanager
def standing(wanted: Kind) -> Iterator[Stack]:
    """A stack of the benchmarks' own, gone afterwards."""
    name = f"bench-{wanted}"
    with own_stack.standing(name, SETTINGS[wanted]):
        yield Stack.with_or_without_proxies(name)


def cpu_seconds(of: Stack) -> dict[str, float]:
    """The processor time that each component has taken since its start, in seconds, with its child processes."""
    return {name: family_cpu_s(pid) for name, pid in supervisor.pids(of.paths).items()}


def family_cpu_s(pid: int) -> float:
    """The processor time of a process and its descendants, in seconds."""
    root = psutil.Process(pid)
    times = (process.cpu_times() for process in (root, *root.children(recursive=True)))
    return sum(each.user + each.system for each in times)
