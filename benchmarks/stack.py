"""The stacks that are measured, and what their components spend meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.benchmark import Kind
from chaos.stack import Stack
from infra import own_stack, workspace
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths
from infra.topology import topology

SETTINGS: Mapping[Kind, own_stack.Settings] = {
    "plain": {"chaos": False},
    "proxied": {"chaos": True, "breakerRecoveryS": 2},
}


def stack(name: str) -> Stack:
    """The stack, proxied or not; raises WorkspaceError where there is none."""
    outputs = workspace.outputs(name)
    proxied = "toxiproxy/http" in outputs["ports"]
    offset = outputs["ports"]["kong/http"] - topology().component("kong").port("http").host
    return Stack(name, StackPaths(Path(outputs["root"])), topology(offset, chaos=proxied), outputs["secrets"])


def kind(of: Stack) -> Kind:
    """Whether the stack has proxies on its edges."""
    return "proxied" if "toxiproxy" in of.topology.by_name else "plain"


@contextmanager
def standing(wanted: Kind) -> Iterator[Stack]:
    """A stack of the benchmarks' own, gone afterwards."""
    name = f"bench-{wanted}"
    with own_stack.standing(name, SETTINGS[wanted]):
        yield stack(name)


def cpu_seconds(of: Stack) -> dict[str, float]:
    """The processor time that each component has taken since its start, in seconds, with its child processes."""
    return {
        name: family_cpu_s(int(state["pid"])) for name, state in supervisor.states(of.paths).items() if state.get("pid")
    }


def family_cpu_s(pid: int) -> float:
    """The processor time of a process and its descendants, in seconds."""
    root = psutil.Process(pid)
    times = (process.cpu_times() for process in (root, *root.children(recursive=True)))
    return sum(each.user + each.system for each in times)
