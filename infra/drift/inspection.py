"""Look at a stack from all sides: every drift from what is wanted of it. Nothing is changed by looking."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra import models, workspace
from infra.drift.components import drifts, lasting, without_consequences
from infra.drift.drift import Drift, redacted
from infra.probes import database, gateway, redis, toxiproxy, vectors
from infra.probes.http import SilentError
from infra.qdrant.node import Node
from infra.qdrant.view import look
from infra.settings import Settings
from infra.stack_settings import stack_settings
from infra.targets.deployment import running
from infra.targets.running import Running, deployed, outputs
from infra.targets.services import DATABASE, DATABASE_USER
from infra.topology import QDRANT_NODES

AGAIN_S = 1.0
"""What is seen twice, so far apart, is told: a write, a restart or a new collection passes in between."""
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Inspected:
    """A stack that is up, by its name."""

    settings: Settings
    running: Running
    outputs: Mapping[str, Any]

    @cached_property
    def components(self) -> frozenset[str]:
        """Those that it is to have."""
        return frozenset(component.component for component in self.running.wanted.components)

    @property
    def nodes(self) -> list[Node]:
        """The vector nodes that it is to have."""
        return [Node(name, self.url(name)) for name in QDRANT_NODES if name in self.components]

    @property
    def login(self) -> database.Login:
        """The way into its database."""
        (password,) = self.running.secrets["databasePassword"]
        return database.Login(self.port("timescaledb", "postgres"), DATABASE_USER, DATABASE, password)

    def port(self, component: str, name: str = "http") -> int:
        """The port of this machine that leads to the component's, as it was deployed."""
        return int(self.outputs["ports"][f"{component}/{name}"])

    def url(self, component: str, port: str = "http") -> str:
        """Where a component answers."""
        return f"http://{HOST}:{self.port(component, port)}"


def inspected(stack: str) -> Inspected:
    """The stack of that name; raises WorkspaceError where it is not up, SettingsError where its settings are wrong."""
    if not workspace.exists(stack):
        raise workspace.WorkspaceError(f"there is no stack {stack}; `make up STACK={stack}` makes it")
    settings, state = stack_settings(stack), workspace.resources(stack)
    found = running(settings, state)
    if not deployed(state) or not found.is_up():
        raise workspace.WorkspaceError(f"stack {stack} is not up; `make up STACK={stack}` starts it")
    return Inspected(settings, found, outputs(state))


def drift_of(stack: Inspected, *, again_s: float = AGAIN_S) -> list[Drift]:
    """Everything that differs, in the order of the components' start; of what passes by itself, nothing."""
    seen = _look(stack)
    if seen:
        time.sleep(again_s)
        seen = lasting(seen, _look(stack))
    order = [component.component for component in stack.running.wanted.components]
    place = {name: number for number, name in enumerate(order)}
    told = (redacted(drift, stack.running.secrets) for drift in seen)
    return sorted(told, key=lambda drift: (place.get(drift.component, len(place)), drift.kind, drift.what))


def _look(stack: Inspected) -> list[Drift]:
    """One look from all sides at once."""
    probes = PROBES if stack.running.near else ()
    sides = [_components, *(probe for name, probe in probes if name in stack.components)]
    with ThreadPoolExecutor(len(sides)) as pool:
        return without_consequences(drift for found in pool.map(lambda side: side(stack), sides) for drift in found)


def _components(stack: Inspected) -> list[Drift]:
    return drifts(stack.running.wanted, stack.running.found(), stack.running.deployed)


def _gateway(stack: Inspected) -> Iterator[Drift]:
    wanted = gateway.wanted(stack.running.gateway_files, envoy=stack.running.envoy)
    found = gateway.read(stack.url("kong", "admin"), envoy=stack.running.envoy)
    return gateway.compare(wanted, stack.settings.consumers, found)


def _toxiproxy(stack: Inspected) -> Iterator[Drift]:
    return toxiproxy.compare(stack.running.proxies, toxiproxy.read(stack.url("toxiproxy")))


def _redis(stack: Inspected) -> Iterator[Drift]:
    return redis.compare(stack.running.redis_settings, redis.read(stack.port("redis", "redis")))


def _ollama(stack: Inspected) -> Iterator[Drift]:
    wanted = [stack.settings.embedding_model, stack.settings.generation_model]
    try:
        missing = models.missing(stack.url("ollama"), wanted)
    except OSError as error:
        raise SilentError(f"Ollama: {error}") from None
    return (Drift("ollama", "model", model, "there", "not there") for model in missing)


def _data(stack: Inspected) -> Iterator[Drift]:
    """Database and vector cluster, which know the same collections."""
    views = look(stack.nodes)
    yield from vectors.compare(views, stack.running.wanted.replication)
    found = database.read(stack.login)
    yield from database.compare(database.stated(), database.migrations(), found)
    yield from vectors.compare_database(views, found.collections, found.indexed)


def _answering(component: str, probe: Callable[[Inspected], Iterable[Drift]]) -> Callable[[Inspected], list[Drift]]:
    """The probe, which tells it where the component does not answer."""

    def side(stack: Inspected) -> list[Drift]:
        found: list[Drift] = []
        try:
            found += probe(stack)  # what was told before the silence stays told
        except SilentError as error:
            found.append(Drift(component, "silent", "", "answers", str(error)))
        return found

    return side


PROBES = tuple(
    (component, _answering(component, probe))
    for component, probe in {
        "kong": _gateway,
        "toxiproxy": _toxiproxy,
        "redis": _redis,
        "ollama": _ollama,
        "timescaledb": _data,
    }.items()
)
"""What is looked at beyond the components themselves, by the component that has to answer."""
