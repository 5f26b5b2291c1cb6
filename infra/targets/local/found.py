"""What really runs of a stack of the local target: the processes, as the kernel and the supervisor have them."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from infra.drift.drift import Drift, Found
from infra.manifest import Deployed, Manifest, Published, digest, placeholder_secrets
from infra.targets.local import health, postgres, supervisor
from infra.targets.local.launch import STARTS
from infra.targets.local.programs import Stack, program
from infra.targets.services import Files, Secrets

CRASHES, WITHIN_S = 3, 30.0
"""So many restarts in so many seconds are no accident: a component that crashes is up again within one."""
INHERITED = (*supervisor.KEPT_ENVIRONMENT, "LC_CTYPE")  # Python sets this one where there is no locale
ANSWER_S = 5.0
"""How long a health check may take: longer than under any load that the stack is made for."""
UP = frozenset({"STARTING", "RUNNING"})
SPECIFIED = ("command", "environment", "health", "stopSignal")

State = Mapping[str, Any]


def found(
    stack: Stack, wanted: Manifest, deployed: Manifest, secrets: Secrets, resources: Mapping[str, State]
) -> Found:
    """Every component that there is, and its condition.

    Args:
        secrets: those that the files have to hold.
        resources: the properties of each component's resource, as they were deployed.
    """
    states = supervisor.states(stack.paths)
    components: list[Deployed] = []
    conditions: list[Drift] = []
    for component in wanted.components:
        looked = _Look(stack, component, deployed.component(component.component), secrets)
        there = looked.job() if component.strategy == "run" else looked.process(states.get(component.component))
        if there:
            components.append(there)
            conditions += looked.conditions
            conditions += looked.specification(resources.get(component.component, {}))
    names = {component.component for component in wanted.components}
    components += [_unwanted(name, state) for name, state in states.items() if name not in names]
    return Found(tuple(components), tuple(conditions))


def _unwanted(name: str, state: State) -> Deployed:
    return Deployed(name, f"process {state['pid']}" if state["pid"] else "a program that does not run", (), "run")


class _Look:
    """A look at one component."""

    def __init__(self, stack: Stack, wanted: Deployed, deployed: Deployed | None, secrets: Secrets) -> None:
        self._stack, self._wanted, self._deployed, self._secrets = stack, wanted, deployed, secrets
        self._folder = stack.paths.run(wanted.component)
        self._program = program(stack, stack.topology.component(wanted.component))
        self._started_by = _read(self._folder / "program.json")
        self.conditions: list[Drift] = []

    def job(self) -> Deployed | None:
        """A job that ran, by what it was started with."""
        return self._as_started() if self._started_by else None

    def process(self, state: State | None) -> Deployed | None:
        """A process, as it runs; where it does not, the condition says so."""
        if state is None or not self._started_by:
            return None
        there, crashes = self._as_started(), _crashes(self._folder / STARTS)
        name, pid = str(state["statename"]), int(state["pid"])
        if name == "STOPPED":
            self._condition("stopped", "runs", name.lower())
        elif name not in UP or crashes >= CRASHES:
            said = f"ended {crashes} times in {WITHIN_S:g} s" if crashes >= CRASHES else name.lower()
            self._condition("crashing", "runs", said)
        elif pid:
            try:
                return self._as_it_runs(there, psutil.Process(pid))
            except psutil.NoSuchProcess:
                self._condition("crashing", "runs", "ended just now")
        return there

    def specification(self, resource: State) -> list[Drift]:
        """Where what it would be started by is not what was deployed."""
        if not resource or not self._started_by:
            return []
        differ = [key for key in SPECIFIED if self._started_by.get(key) != resource.get(key)]
        place = Drift(self._wanted.component, "specification")
        return [replace(place, what=key, wanted="as deployed", found="another") for key in differ]

    def _condition(self, kind: str, wanted: str, found: str) -> None:
        self.conditions.append(Drift(self._wanted.component, kind, wanted=wanted, found=found))

    def _as_started(self) -> Deployed:
        """By the files in its folder. Whether the rest is as it is to be, no process says."""
        by = self._started_by
        return replace(
            self._wanted,
            runs=f"{by['implementation']['name']} {by['implementation']['version']}",
            source=by["source"],
            files=self._files(self._program.files, self._wanted.files),
            live_files=self._files(self._program.live_files, self._wanted.live_files),
        )

    def _as_it_runs(self, there: Deployed, process: psutil.Process) -> Deployed:
        if process.status() == psutil.STATUS_STOPPED:
            self._condition("paused", "runs", "stopped by a signal")
        else:
            kind, port, path = self._wanted.health
            if trouble := health.problem(kind, int(port), path, timeout_s=ANSWER_S):
                self._condition("silent", "answers", trouble)
        command = tuple(process.cmdline())
        known = [self._wanted, *([self._deployed] if self._deployed else [])]
        same = next((one.command for one in known if _is_of(command, one)), command)
        runs = f"{there.runs}, replaced on disk" if _executable(process).endswith(" (deleted)") else there.runs
        return replace(
            there,
            runs=runs,
            command=same,
            environment=self._environment(process.environ()),
            ports=self._ports(_listening(process)),
        )

    def _environment(self, has: Mapping[str, str]) -> Mapping[str, str]:
        def own(key: str) -> bool:
            return key in self._wanted.environment or not (key in INHERITED or key.startswith("SUPERVISOR_"))

        return {key: value for key, value in has.items() if own(key)}

    def _ports(self, listening: set[tuple[str, int]]) -> tuple[Published, ...]:
        wanted = {(port.address, port.host) for port in self._wanted.ports}
        # What becomes of Toxiproxy's other ports, the proxies', is looked up at its API.
        others = sorted(listening - wanted) if self._wanted.component != "toxiproxy" else []
        there = (port for port in self._wanted.ports if (port.address, port.host) in listening)
        return (*there, *(Published(address, port, port) for address, port in others))

    def _files(self, rendered: Files, wanted: Mapping[str, str]) -> dict[str, str]:
        """The digests, by the names and with the contents that they have without secrets."""
        holds = {}
        # Names, too, may come from secrets; the order is the same.
        for (name, content), named in zip(rendered(self._secrets).items(), self._names(rendered), strict=True):
            path = self._folder / name
            if path.exists():
                there = path.read_text(errors="replace")
                holds[named] = wanted[named] if there == content else digest(there)
        return holds

    def _names(self, rendered: Files) -> list[str]:
        return list(rendered(placeholder_secrets(tuple(self._secrets))))


def _is_of(command: tuple[str, ...], wanted: Deployed) -> bool:
    """Whether a process with that command is what `wanted` becomes."""
    becomes = wanted.command
    if wanted.component == "timescaledb":
        module = becomes.index("infra.targets.local.postgres")
        becomes = postgres.server(postgres.parsed(becomes[module + 1 :]))
    return command == becomes or (command[1:] == becomes[1:] and _is_script(becomes[0]))


def _is_script(program: str) -> bool:
    """Whether it is a script, which becomes a program of another name."""
    try:
        with Path(program).open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def _executable(process: psutil.Process) -> str:
    try:
        return str(Path(f"/proc/{process.pid}/exe").readlink())
    except OSError:
        return ""


def _listening(process: psutil.Process) -> set[tuple[str, int]]:
    family = [process, *process.children(recursive=True)]
    return {socket for one in family for socket in _sockets(one)}


def _sockets(process: psutil.Process) -> set[tuple[str, int]]:
    try:
        sockets = process.net_connections("tcp")
    except psutil.NoSuchProcess:  # as Postgres's children do with each connection
        return set()
    return {(one.laddr.ip, one.laddr.port) for one in sockets if one.status == psutil.CONN_LISTEN}


def _crashes(starts: Path) -> int:
    """How often it was started again lately, beside the first start."""
    if not starts.exists():
        return 0
    _first, *others = [float(line) for line in starts.read_text().splitlines()] or [0.0]
    return sum(time.time() - at < WITHIN_S for at in others)


def _read(specification: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(specification.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return read
