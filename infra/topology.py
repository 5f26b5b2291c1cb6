"""What Breakwater consists of: pure, frozen data. The one place where a port, a limit or an edge is written.

A `Component` is one running thing, an `Edge` one consumer's connection to one dependency.
`topology()` returns them checked, for a port offset; the targets turn them into processes or containers.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal

BUDGET_MEMORY_MB = 16 * 1024  # the design's limit: total memory < 16 GB
BUDGET_CPUS = 8.0  # the design's limit: CPU < 8 cores, but for candidates: see `counts_cpus`

PEERS = "peers"
"""Consumer of the edges by which the Qdrant nodes reach one of them: each node advertises one address."""


class TopologyError(ValueError):
    """The topology contradicts itself or its budget; the message names the culprit."""


@dataclass(frozen=True)
class Port:
    """A TCP port: `host` is bound on the machine, `container` inside a container."""

    name: str
    host: int
    container: int
    public: bool = False  # bound on every interface in a container stack; all others on 127.0.0.1


@dataclass(frozen=True)
class Health:
    """How to tell that a component serves: an HTTP 2xx, a Redis PING, a Postgres answer, a job's end."""

    kind: Literal["http", "redis", "postgres", "completed"]
    port: str = "http"
    path: str = "/"
    start_s: int = 30  # seconds a start may take before it counts as failed


@dataclass(frozen=True)
class Limits:
    """The most a component may use: MiB of memory (no swap) and CPU cores."""

    memory_mb: int
    cpus: float


@dataclass(frozen=True)
class Volume:
    """A named volume, which outlives the component, and where a container mounts it."""

    name: str
    path: str


@dataclass(frozen=True)
class Component:
    """One running thing of the topology."""

    name: str
    image: str
    limits: Limits
    health: Health
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()
    networks: tuple[str, ...] = ("internal",)
    gpu: bool = False  # wants a GPU where there is one
    after: tuple[str, ...] = ()  # starts after these, beyond what its edges say
    candidate_of: str = ""  # the service of which it is the candidate: another release of it, beside the stable one

    @property
    def role(self) -> str:
        """What it does, by which tables know it: a candidate does what its service does."""
        return self.candidate_of or self.name

    @property
    def counts_cpus(self) -> bool:
        """Whether its CPUs count in the budget. They are ceilings for surges, not shares that are set apart.

        The two releases of a service share its load, so a candidate takes none that the budget has not. Memory is
        held by both at once.
        """
        return not self.candidate_of

    @property
    def stateful(self) -> bool:
        """Whether it keeps data that outlives it."""
        return bool(self.volumes)

    @property
    def built_here(self) -> bool:
        """Whether its image is made from this project."""
        return self.image.startswith("breakwater/")

    def port(self, name: str) -> Port:
        """The port of that name; raises TopologyError for an unknown one."""
        for port in self.ports:
            if port.name == name:
                return port
        raise TopologyError(f"{self.name} has no port {name!r}")


@dataclass(frozen=True)
class Edge:
    """A consumer's connection to a dependency's port; a chaos stack listens on `listen` in between."""

    consumer: str
    dependency: str
    port: str
    listen: int

    @property
    def name(self) -> str:
        """The name of the edge and of its Toxiproxy proxy: `consumer->dependency`."""
        return f"{self.consumer}->{self.dependency}"


@dataclass(frozen=True)
class Topology:
    """Components and edges that fit together; `check` has passed."""

    components: tuple[Component, ...]
    edges: tuple[Edge, ...]
    offset: int = 0
    by_name: dict[str, Component] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {c.name: c for c in self.components})
        check(self)

    def component(self, name: str) -> Component:
        """The component of that name; raises TopologyError for an unknown one."""
        try:
            return self.by_name[name]
        except KeyError:
            raise TopologyError(f"no component is called {name!r}; there are {', '.join(self.by_name)}") from None

    def edge(self, consumer: str, dependency: str) -> Edge:
        """The edge between the two; raises TopologyError where there is none."""
        for edge in self.edges:
            if (edge.consumer, edge.dependency) == (consumer, dependency):
                return edge
        raise TopologyError(f"no edge {consumer}->{dependency}")

    def needs(self, name: str) -> tuple[str, ...]:
        """The components that start before `name`: its dependencies by edge and its `after`."""
        by_edge = [e.dependency for e in self.edges if e.consumer == name]
        return tuple(dict.fromkeys((*by_edge, *self.component(name).after)))

    @cached_property
    def start_order(self) -> tuple[str, ...]:
        """All names, each after what it needs; raises TopologyError on a cycle."""
        graph = {c.name: self.needs(c.name) for c in self.components}
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise TopologyError(f"dependency cycle: {' -> '.join(reversed(error.args[1]))}") from None


def check(topology: Topology) -> None:
    """Raise TopologyError for unknown names, port clashes, cycles, or limits over the budget."""
    _check_names(topology)
    _check_ports(topology)
    _ = topology.start_order
    _check_budget(topology.components)


def _check_names(topology: Topology) -> None:
    names = [c.name for c in topology.components]
    for name in {n for n in names if names.count(n) > 1}:
        raise TopologyError(f"two components are called {name!r}")
    for component in topology.components:
        for name in component.after:
            topology.component(name)
        if component.health.kind != "completed":
            component.port(component.health.port)
    for edge in topology.edges:
        if edge.consumer != PEERS:
            topology.component(edge.consumer)
        topology.component(edge.dependency).port(edge.port)


def _check_ports(topology: Topology) -> None:
    owners: dict[int, str] = {}
    taken = [(p.host, f"{c.name}'s {p.name}") for c in topology.components for p in c.ports]
    taken += [(e.listen, f"the edge {e.name}") for e in topology.edges]
    for number, owner in taken:
        if not 1024 <= number <= 65535:
            raise TopologyError(f"port {number} of {owner} is outside 1024-65535; lower the port offset")
        if number in owners:
            raise TopologyError(f"port {number} is wanted by {owners[number]} and by {owner}")
        owners[number] = owner


def _check_budget(components: Collection[Component]) -> None:
    _check_sum("MiB of memory", BUDGET_MEMORY_MB, {c.name: float(c.limits.memory_mb) for c in components})
    _check_sum("CPUs", BUDGET_CPUS, {c.name: c.limits.cpus for c in components if c.counts_cpus})


def _check_sum(unit: str, budget: float, wanted: dict[str, float]) -> None:
    total = sum(wanted.values())
    if total >= budget:
        largest = max(wanted, key=lambda name: wanted[name])
        raise TopologyError(
            f"limits add up to {total:g} {unit}, the budget is below {budget:g}; "
            f"the largest is {largest} with {wanted[largest]:g}"
        )


def _http(host: int, container: int | None = None, *, public: bool = False) -> tuple[Port, ...]:
    return (Port("http", host, container or host, public),)


def _service(name: str, port: int, limits: Limits, *after: str, start_s: int = 20) -> Component:
    health = Health("http", path="/health", start_s=start_s)
    return Component(name, f"breakwater/{name}", limits, health, _http(port), after=after)


def _qdrant(index: int) -> Component:
    name = f"qdrant-{index}"
    return Component(
        name,
        "docker.io/qdrant/qdrant:v1.18.3-unprivileged",
        Limits(1024, 0.6),
        Health("http", path="/readyz", start_s=60),
        ports=(
            Port("http", 6333 + index, 6333),
            Port("grpc", 6343 + index, 6334),
            Port("p2p", 6353 + index, 6335),
        ),
        volumes=(Volume(f"{name}-storage", "/qdrant/storage"),),
        # The first peer founds the cluster; the others join it.
        after=() if index == 0 else ("qdrant-0",),
    )


QDRANT_NODES = ("qdrant-0", "qdrant-1", "qdrant-2")
"""The vector nodes, the preferred one for writes first; a stack may have only the first of them."""

_COMPONENTS = (
    Component(
        "toxiproxy",
        "ghcr.io/shopify/toxiproxy:2.12.0",
        Limits(128, 0.2),
        Health("http", path="/version"),
        _http(8474),
    ),
    Component(
        "ollama",
        "docker.io/ollama/ollama:0.12.6",
        Limits(5376, 2.0),
        Health("http", path="/api/version", start_s=120),
        _http(11434),
        (Volume("ollama-models", "/root/.ollama"),),
        gpu=True,
    ),
    *(_qdrant(index) for index in range(3)),
    Component(
        "redis",
        "docker.io/library/redis:8.2",
        Limits(512, 0.25),
        Health("redis", "redis"),
        (Port("redis", 6380, 6379),),
    ),
    Component(
        "timescaledb",
        "docker.io/timescale/timescaledb:2.23.0-pg17",
        Limits(1536, 0.6),
        Health("postgres", "postgres", start_s=60),
        (Port("postgres", 5432, 5432),),
        (Volume("timescaledb-data", "/var/lib/postgresql/data"),),
    ),
    Component(
        "models",
        "breakwater/jobs",
        Limits(64, 0.1),
        Health("completed", start_s=1800),
    ),
    Component(
        "migrations",
        "breakwater/jobs",
        Limits(192, 0.1),
        Health("completed", start_s=60),
    ),
    _service("ingestion", 8201, Limits(768, 0.6), "models", "migrations", start_s=30),
    _service("query", 8202, Limits(384, 0.6), "models", "migrations"),
    _service("rag-service", 3402, Limits(256, 0.3)),
    _service("collections", 3403, Limits(256, 0.3), "migrations"),
    Component(
        "kong",
        "docker.io/library/kong:3.9.3",
        Limits(768, 0.5),
        Health("http", "admin", path="/ready"),
        (Port("http", 8000, 8000, public=True), Port("admin", 8001, 8001)),
        networks=("edge", "internal"),
    ),
    Component(
        "prometheus",
        "docker.io/prom/prometheus:v3.5.0",
        Limits(768, 0.3),
        Health("http", path="/-/ready", start_s=60),
        _http(9090),
        (Volume("prometheus-data", "/prometheus"),),
        after=("alertmanager",),
    ),
    Component(
        "alertmanager",
        "docker.io/prom/alertmanager:v0.28.1",
        Limits(128, 0.1),
        Health("http", path="/-/ready"),
        _http(9093),
        (Volume("alertmanager-data", "/alertmanager"),),
    ),
    Component(
        "grafana",
        "docker.io/grafana/grafana:12.1.1",
        Limits(384, 0.2),
        Health("http", path="/api/health", start_s=60),
        _http(3000),
        (Volume("grafana-data", "/var/lib/grafana"),),
        after=("prometheus",),
    ),
)

RELEASED = ("ingestion", "query", "collections", "rag-service")
"""The services, each after those that it asks: a release is of all of them, and so is a candidate."""

OBSERVABILITY = ("prometheus", "alertmanager", "grafana")
"""What watches the others; no other component needs any of them."""

_EDGES = (
    Edge("migrations", "timescaledb", "postgres", 21001),
    Edge("models", "ollama", "http", 21002),
    Edge("ingestion", "ollama", "http", 21010),
    Edge("ingestion", "qdrant-0", "http", 21011),
    Edge("ingestion", "qdrant-1", "http", 21012),
    Edge("ingestion", "qdrant-2", "http", 21013),
    Edge("ingestion", "timescaledb", "postgres", 21014),
    Edge("query", "ollama", "http", 21020),
    Edge("query", "qdrant-0", "http", 21021),
    Edge("query", "qdrant-1", "http", 21022),
    Edge("query", "qdrant-2", "http", 21023),
    Edge("query", "timescaledb", "postgres", 21024),
    Edge("query", "redis", "redis", 21025),
    Edge("rag-service", "query", "http", 21030),
    Edge("collections", "ingestion", "http", 21040),
    Edge("collections", "qdrant-0", "http", 21041),
    Edge("collections", "qdrant-1", "http", 21042),
    Edge("collections", "qdrant-2", "http", 21043),
    Edge("collections", "timescaledb", "postgres", 21044),
    Edge("kong", "query", "http", 21050),
    Edge("kong", "rag-service", "http", 21051),
    Edge("kong", "collections", "http", 21052),
    Edge("kong", "ingestion", "http", 21053),
    Edge(PEERS, "qdrant-0", "p2p", 21060),
    Edge(PEERS, "qdrant-1", "p2p", 21061),
    Edge(PEERS, "qdrant-2", "p2p", 21062),
)


_BESIDE = 55
"""From a service's ports, and its edges', to its candidate's: with it no two numbers are equal modulo 100."""


def candidate_of(service: str) -> str:
    """What the candidate of a service is called."""
    return f"{service}-next"


def _candidate(service: Component) -> Component:
    ports = tuple(replace(p, host=p.host + _BESIDE) for p in service.ports)
    return replace(service, name=candidate_of(service.name), ports=ports, candidate_of=service.name)


def _of_candidate(edge: Edge) -> Edge:
    """The edge of a candidate in place of the service: candidates call one another."""
    consumer, dependency = (candidate_of(n) if n in RELEASED else n for n in (edge.consumer, edge.dependency))
    return Edge(consumer, dependency, edge.port, edge.listen + _BESIDE)


def topology(
    offset: int = 0,
    *,
    chaos: bool = True,
    qdrant_nodes: int = len(QDRANT_NODES),
    observability: bool = False,
    candidates: bool = False,
) -> Topology:
    """The design's topology with `offset` added to every port of the machine.

    Without `chaos` there is no Toxiproxy and an edge's consumer dials its dependency itself. Of the vector nodes there
    are the first `qdrant_nodes`. With `observability` there are Prometheus, Alertmanager and Grafana. With `candidates`
    every service has one beside it, with edges like its own, and the gateway an edge to each.
    Raises TopologyError where the parts do not fit together.
    """
    absent = {
        *QDRANT_NODES[qdrant_nodes:],
        *(() if chaos else ("toxiproxy",)),
        *(() if observability else OBSERVABILITY),
    }
    components = tuple(
        replace(c, ports=tuple(replace(p, host=p.host + offset) for p in c.ports))
        for one in _COMPONENTS
        for c in ((one, _candidate(one)) if candidates and one.name in RELEASED else (one,))
        if c.name not in absent
    )
    beside = tuple(_of_candidate(e) for e in _EDGES if not {e.consumer, e.dependency}.isdisjoint(RELEASED))
    edges = tuple(
        replace(e, listen=e.listen + offset)
        for e in (*_EDGES, *(beside if candidates else ()))
        if e.dependency not in absent
    )
    return Topology(components, edges, offset)
