"""The stack under test as the harness sees it: addresses, tokens, and its processes through their supervisor.

Nothing here knows which program runs for a component, and everything is on this machine.
"""

import json
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chaos.process import Process
from chaos.toxiproxy import HOST, Toxiproxy
from infra import durable, workspace
from infra.gateway.tokens import mint, secret_name
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths
from infra.targets.services import TOKEN_FILE
from infra.topology import Edge, Topology, topology

SAVED = "chaos/stack.json"
"""Below a stack's folder: what is needed to heal it."""

STOP_S = 15.0  # seconds for a component to stop; the supervisor kills it after 10
DOWN = {"STOPPED", "FATAL"}  # states in which the supervisor leaves a component alone
UP = {"STARTING", "RUNNING", "BACKOFF"}


class StackError(RuntimeError):
    """The stack cannot be used, or does not do as told; the message says why."""


@dataclass(frozen=True)
class Stack:
    """A stack that is up. `secrets` are there in a stack `of` its outputs only."""

    name: str
    paths: StackPaths
    topology: Topology = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, name: str) -> "Stack":
        """The stack by Pulumi's outputs; raises StackError if it has no proxies, WorkspaceError if it is not there."""
        stack = cls.with_or_without_proxies(name)
        if not stack.proxied:
            raise StackError(f"stack {name} has no proxies to inject faults with; its setting `chaos` must be true")
        return stack

    @classmethod
    def with_or_without_proxies(cls, name: str) -> "Stack":
        """The stack by Pulumi's outputs, whatever its setting `chaos`; raises WorkspaceError if it is not there."""
        outputs = workspace.outputs(name)
        if "root" not in outputs:
            raise StackError(
                f"stack {name} has the target {outputs['target']}; the harness breaks local processes only"
            )
        offset = outputs["ports"]["kong/http"] - topology().component("kong").port("http").host
        shape = topology(offset, chaos="toxiproxy/http" in outputs["ports"])
        return cls(name, StackPaths(Path(outputs["root"])), shape, outputs["secrets"])

    @property
    def proxied(self) -> bool:
        """Whether there is a proxy on every edge."""
        return "toxiproxy" in self.topology.by_name

    @classmethod
    def load(cls, root: Path) -> "Stack | None":
        """What `save` has written below the stack's folder: enough to heal with; None if nothing was."""
        try:
            saved = json.loads((root / SAVED).read_text())
        except FileNotFoundError:
            return None
        return cls(saved["name"], StackPaths(root), topology(saved["offset"]))

    def save(self) -> None:
        """Note, without secrets, what a fresh process needs to heal this stack, Pulumi or not."""
        durable.write(self.paths.root / SAVED, json.dumps({"name": self.name, "offset": self.topology.offset}))

    @property
    def folder(self) -> Path:
        """Where the harness keeps what belongs to this stack."""
        return self.paths.root / "chaos"

    @property
    def gateway(self) -> str:
        """The URL that callers use."""
        return self.url("kong")

    def url(self, component: str, port: str = "http") -> str:
        """The URL at which `component` itself listens, past every proxy."""
        return f"http://{self.address(component, port)}"

    def address(self, component: str, port: str = "http") -> str:
        """`host:port` at which `component` itself listens."""
        return f"{HOST}:{self.port(component, port)}"

    def port(self, component: str, port: str = "http") -> int:
        """The port at which `component` itself listens."""
        return self.topology.component(component).port(port).host

    def edge(self, name: str) -> Edge:
        """The edge `consumer->dependency`; `listen` is its proxy's port. Raises TopologyError for another."""
        consumer, _, dependency = name.partition("->")
        return self.topology.edge(consumer, dependency)

    @property
    def toxiproxy(self) -> Toxiproxy:
        """What holds the edges' proxies."""
        return Toxiproxy(self.port("toxiproxy"))

    def token(self, consumer: str = "app", *, lifetime_s: int = 3600) -> str:
        """A token with which `consumer` may call the gateway; raises KeyError for an unknown consumer."""
        return mint(consumer, self.secrets[secret_name(consumer)], lifetime_s=lifetime_s)

    @property
    def service_token(self) -> str:
        """What services show one another at this moment: a rotation changes it. Raises OSError without services."""
        return (self.paths.run("query") / TOKEN_FILE).read_text().split()[0]

    def state(self, component: str) -> str:
        """The supervisor's word for it, such as RUNNING; raises StackError where it runs no such component."""
        try:
            return str(supervisor.states(self.paths)[component]["statename"])
        except KeyError:
            raise StackError(f"the supervisor of stack {self.name} runs no {component}, or is not there") from None

    def process(self, component: str) -> Process | None:
        """The component's process; None while it has none."""
        pid = int(supervisor.states(self.paths).get(component, {}).get("pid", 0))
        return Process.of(pid) if pid else None

    def stop(self, component: str) -> None:
        """Stop the component and have the supervisor leave it so, whatever it is doing; raises StackError."""
        self._bring(component, DOWN, self.ask_to_stop, "stop")

    def ask_to_stop(self, component: str) -> None:
        """Begin to stop the component; what is between two states already is left alone."""
        with suppress(xmlrpc.client.Fault):
            supervisor.call(self.paths, "stopProcess", component, False)

    def start(self, component: str) -> None:
        """Have the supervisor run the component, and restart it if need be; raises StackError. Waits for no health."""
        self._bring(component, UP, self._ask_to_start, "start")

    def _ask_to_start(self, component: str) -> None:
        with suppress(xmlrpc.client.Fault):
            supervisor.call(self.paths, "startProcess", component, False)

    def _bring(self, component: str, wanted: set[str], ask: Callable[[str], None], what: str) -> None:
        deadline = time.monotonic() + STOP_S
        while (state := self.state(component)) not in wanted:
            if time.monotonic() > deadline:
                raise StackError(f"{component} does not {what}; the supervisor calls it {state}")
            ask(component)
            time.sleep(0.02)
