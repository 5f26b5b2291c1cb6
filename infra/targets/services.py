"""What the project's own services are told, whatever the target: their environment and their secrets' files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.settings import Settings
from infra.topology import QDRANT_NODES, Topology, candidate_of, topology

TOKEN_FILE = "inter_service_secret"  # noqa: S105 - its name
PASSWORD_FILE = "database_password"  # noqa: S105 - its name
DATABASE = "rag"
DATABASE_USER = "breakwater"

Secrets = Mapping[str, Sequence[str]]
"""A stack's secrets by name: the one in use, then what is accepted beside it."""
Files = Callable[[Secrets], dict[str, str]]
"""From the stack's secrets to a component's files by name."""


class Place(Protocol):
    """Where a stack's components find each other and their files on a target."""

    @property
    def topology(self) -> Topology: ...
    @property
    def settings(self) -> Settings: ...

    def address(self, consumer: str, dependency: str) -> str:
        """`host:port` at which `consumer` finds `dependency`."""
        ...

    def listens(self, component: str) -> tuple[str, int]:
        """The host and port that `component` binds for HTTP."""
        ...

    def file(self, component: str, name: str) -> str:
        """The path of a component's file as the component sees it."""
        ...

    def folder(self, setting: str) -> str:
        """The path of `collections_file`, `data_root` or `docs_root` as the services see it."""
        ...


def no_files(_secrets: Secrets) -> dict[str, str]:
    """For a component that reads none."""
    return {}


def password_file(secrets: Secrets) -> dict[str, str]:
    """The database's password, for those that log in to it."""
    (password,) = secrets["databasePassword"]
    return {PASSWORD_FILE: password}


def token_file(secrets: Secrets) -> dict[str, str]:
    """What the services know each other by; read again when it changes."""
    return {TOKEN_FILE: "\n".join(secrets["interServiceSecret"])}


def qdrant_nodes(place: Place) -> tuple[str, ...]:
    """The vector nodes that the stack has, the preferred one for writes first."""
    return tuple(node for node in QDRANT_NODES if node in place.topology.by_name)


def needs_of(place: Place, name: str) -> tuple[str, ...]:
    """The components that have to be healthy before `name` starts: behind a proxy, the proxy too."""
    proxied = place.settings.chaos and name != "toxiproxy"
    return (*(("toxiproxy",) if proxied else ()), *place.topology.needs(name))


def release_of(place: Place, component: str) -> str:
    """The release that a service's component runs."""
    settings = place.settings
    return settings.candidate if place.topology.component(component).candidate_of else settings.release


def _beside(place: Place, consumer: str, service: str) -> str:
    """Which of a service's components `consumer` calls: a candidate the candidate."""
    return candidate_of(service) if place.topology.component(consumer).candidate_of else service


def proxied(place: Place) -> Topology:
    """The topology whose edges the proxies of a chaos stack are: candidates' too, also while there is none.

    A new proxy would take a restart of Toxiproxy, which cuts every connection.
    """
    settings = place.settings
    return topology(settings.port_offset, qdrant_nodes=settings.qdrant_nodes, candidates=True)


def database_url(place: Place, consumer: str) -> str:
    """The database as `consumer` reaches it, without the password."""
    return f"postgresql://{DATABASE_USER}@{place.address(consumer, 'timescaledb')}/{DATABASE}"


@dataclass(frozen=True)
class Service:
    """A service: its module, the variables it gets, and whether it logs in to the database."""

    module: str
    variables: tuple[str, ...]
    database: bool = True

    @property
    def files(self) -> Files:
        """Those that take a restart when they change."""
        return password_file if self.database else no_files

    @property
    def live_files(self) -> Files:
        """Those that it reads again by itself."""
        return token_file

    def environment(self, place: Place, component: str) -> dict[str, str]:
        """Everything that it is told in its environment, the stable one as `component` or its candidate."""
        host, port = place.listens(component)
        settings = place.settings
        told = {"INTER_SERVICE_SECRET_FILE": place.file(component, TOKEN_FILE)}
        if self.database:
            told["DATABASE_PASSWORD_FILE"] = place.file(component, PASSWORD_FILE)
        told |= {"HOST": host, "PORT": str(port), "RELEASE": release_of(place, component)}
        if place.topology.component(component).candidate_of:
            told["CANDIDATE"] = "true"
        told |= {"LEGACY_ROUTES": str(settings.legacy_routes).lower()}
        told |= {"CIRCUIT_BREAKER_RECOVERY_S": str(settings.breaker_recovery_s)}
        told |= {"CIRCUIT_BREAKER_FORCE_CLOSED": str(settings.breakers_forced_closed).lower()}
        return told | {variable: _VARIABLES[variable](place, component) for variable in self.variables}


_VARIABLES: dict[str, Callable[[Place, str], str]] = {
    "QDRANT_URLS": lambda p, c: ",".join(f"http://{p.address(c, node)}" for node in qdrant_nodes(p)),
    "OLLAMA_URL": lambda p, c: f"http://{p.address(c, 'ollama')}",
    "EMBEDDING_MODEL": lambda p, _: p.settings.embedding_model,
    "GENERATION_MODEL": lambda p, _: p.settings.generation_model,
    "DATABASE_URL": database_url,
    "REDIS_URL": lambda p, c: f"redis://{p.address(c, 'redis')}/0",
    "CACHE_ENABLED": lambda p, _: str(p.settings.cache).lower(),
    "PROCESSES": lambda p, _: str(p.settings.query_processes),
    "QUERY_URL": lambda p, c: f"http://{p.address(c, _beside(p, c, 'query'))}",
    "INGESTION_URL": lambda p, c: f"http://{p.address(c, _beside(p, c, 'ingestion'))}",
    "COLLECTIONS_FILE": lambda p, _: p.folder("collections_file"),
    "DATA_ROOT": lambda p, _: p.folder("data_root"),
    "DOCS_ROOT": lambda p, _: p.folder("docs_root"),
}

SERVICES = {
    "ingestion": Service(
        "services.ingestion",
        ("QDRANT_URLS", "OLLAMA_URL", "EMBEDDING_MODEL", "DATABASE_URL", "COLLECTIONS_FILE", "DATA_ROOT"),
    ),
    "query": Service(
        "services.query",
        (
            *("QDRANT_URLS", "OLLAMA_URL", "EMBEDDING_MODEL", "GENERATION_MODEL"),
            *("DATABASE_URL", "REDIS_URL", "CACHE_ENABLED", "PROCESSES"),
        ),
    ),
    "rag-service": Service("services.rag", ("QUERY_URL", "DOCS_ROOT"), database=False),
    "collections": Service(
        "services.collections",
        ("QDRANT_URLS", "INGESTION_URL", "DATABASE_URL", "COLLECTIONS_FILE", "DATA_ROOT", "EMBEDDING_MODEL"),
    ),
}
"""The services by their component's role."""
