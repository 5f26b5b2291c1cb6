"""What runs for each component of the local target: command, environment and files, as data.

Secrets are in files only (mode 0600, in the component's run directory), never in a command or an environment.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from infra.gateway import gateway_files, is_live
from infra.rollout import releases
from infra.settings import PROJECT_ROOT, Settings
from infra.targets.local.implementations import Implementation, find
from infra.targets.local.paths import StackPaths
from infra.targets.services import (
    PASSWORD_FILE,
    SERVICES,
    Files,
    Secrets,
    database_url,
    no_files,
    password_file,
    proxied,
    release_of,
)
from infra.topology import PEERS, QDRANT_NODES, Component, Topology

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Stack:
    """What the programs of one stack are made from."""

    topology: Topology
    settings: Settings
    paths: StackPaths

    def address(self, consumer: str, dependency: str) -> str:
        """`host:port` at which `consumer` finds `dependency`: the edge's proxy, or the dependency itself."""
        edge = self.topology.edge(consumer, dependency)
        port = edge.listen if self.settings.chaos else self.port(dependency, edge.port)
        return f"{HOST}:{port}"

    def listens(self, component: str) -> tuple[str, int]:
        """The host and port that `component` binds for HTTP."""
        return HOST, self.port(component)

    def port(self, component: str, port: str = "http") -> int:
        """The port that `component` itself listens on."""
        return self.topology.component(component).port(port).host

    def file(self, component: str, name: str) -> str:
        """The path of a component's file."""
        return str(self.paths.run(component) / name)

    def folder(self, setting: str) -> str:
        """The path of `collections_file`, `data_root` or `docs_root`."""
        return str(getattr(self.settings, setting))

    def volume(self, component: str) -> str:
        """The directory of a component's only volume."""
        (volume,) = self.topology.component(component).volumes
        return str(self.paths.volume(volume.name))


@dataclass(frozen=True)
class Program:
    """How one component runs on this machine."""

    implementation: Implementation
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    files: Files = no_files
    live_files: Files = no_files  # those that it reads again when they change; the others take a restart
    stop_signal: str = "TERM"
    source: str = ""  # changes when the project's own code that it runs does
    unbound: tuple[str, ...] = ()  # the ports on which a stand-in does not listen


def program(stack: Stack, component: Component) -> Program:
    """The program for `component`; raises MissingProgramError where this machine has none."""
    implementation = find(component.role, use_path=stack.settings.use_path)
    return _PROGRAMS[component.role](stack, component, implementation)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def source_digest(*sources: str) -> str:
    """A digest of files and folders (relative to the project), so that changed code is restarted by `up`."""
    digest = hashlib.sha256()
    for source in (PROJECT_ROOT / name for name in sources):
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{os.path.relpath(path, PROJECT_ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def proxies(stack: Stack) -> list[dict[str, Any]]:
    """The proxy of every edge, as Toxiproxy is told."""
    whole = proxied(stack)
    return [
        {
            "name": edge.name,
            "listen": f"{HOST}:{edge.listen}",
            "upstream": f"{HOST}:{whole.component(edge.dependency).port(edge.port).host}",
            "enabled": True,
        }
        for edge in whole.edges
    ]


def _toxiproxy(stack: Stack, component: Component, implementation: Implementation) -> Program:
    return Program(
        implementation,
        (
            implementation.program,
            *("-host", HOST),
            *("-port", str(stack.port("toxiproxy"))),
            *("-config", stack.file(component.name, "proxies.json")),
        ),
        {"LOG_LEVEL": "info"},
        files=lambda _secrets: {"proxies.json": json.dumps(proxies(stack), indent=2)},
    )


def _ollama(stack: Stack, component: Component, implementation: Implementation) -> Program:
    port = str(stack.port("ollama"))
    if implementation.kind == "real":
        environment = {"OLLAMA_HOST": f"{HOST}:{port}", "OLLAMA_KEEP_ALIVE": "-1"}
        return Program(implementation, (implementation.program, "serve"), environment)
    command = _module("infra.embedded.ollama", "--host", HOST, "--port", port, "--data", stack.volume(component.name))
    return Program(implementation, command, source=source_digest("infra/embedded/ollama"))


def _qdrant(stack: Stack, component: Component, implementation: Implementation) -> Program:
    http, grpc, p2p = (str(stack.port(component.name, name)) for name in ("http", "grpc", "p2p"))
    uris = {node: f"http://{stack.address(PEERS, node)}" for node in QDRANT_NODES[: stack.settings.qdrant_nodes]}
    peers = ("--uri", uris[component.name], "--bootstrap", uris[QDRANT_NODES[0]])
    storage = stack.volume(component.name)
    if implementation.kind == "real":
        environment = {
            "QDRANT__CLUSTER__ENABLED": "true",
            "QDRANT__CLUSTER__P2P__PORT": p2p,
            "QDRANT__SERVICE__HOST": HOST,
            "QDRANT__SERVICE__HTTP_PORT": http,
            "QDRANT__SERVICE__GRPC_PORT": grpc,
            "QDRANT__STORAGE__STORAGE_PATH": f"{storage}/storage",
            "QDRANT__STORAGE__SNAPSHOTS_PATH": f"{storage}/snapshots",
            "QDRANT__TELEMETRY_DISABLED": "true",
        }
        return Program(implementation, (implementation.program, *peers), environment)
    ports = ("--host", HOST, "--http-port", http, "--p2p-port", p2p)
    others = (word for node, uri in uris.items() if node != component.name for word in ("--other", uri))
    command = _module("infra.embedded.qdrant", *ports, *peers, *others, "--storage", storage)
    return Program(implementation, command, source=source_digest("infra/embedded/qdrant"), unbound=("grpc",))


def _redis(stack: Stack, _component: Component, implementation: Implementation) -> Program:
    options = {
        "--bind": HOST,
        "--port": str(stack.port("redis", "redis")),
        "--maxmemory": "384mb",  # below the component's limit; the rest is for copies and buffers
        "--maxmemory-policy": "allkeys-lru",
        "--save": "",  # a cache: nothing in it is worth a disk write
        "--appendonly": "no",
        "--set-proc-title": "no",  # `drift` compares the command with what runs; a title would take its place
    }
    arguments = (word for option in options.items() for word in option)
    return Program(implementation, (implementation.program, *arguments))


def _timescaledb(stack: Stack, component: Component, implementation: Implementation) -> Program:
    command = _module(
        "infra.targets.local.postgres",
        *("--bin", str(Path(implementation.program).parent)),
        *("--data", stack.volume(component.name)),
        *("--port", str(stack.port("timescaledb", "postgres"))),
        *("--password-file", stack.file(component.name, PASSWORD_FILE)),
    )
    return Program(
        implementation,
        command,
        files=password_file,
        stop_signal="INT",  # Postgres's fast shutdown
        source=source_digest("infra/targets/local/postgres.py"),
    )


def _models(stack: Stack, component: Component, implementation: Implementation) -> Program:
    models = (stack.settings.embedding_model, stack.settings.generation_model)
    url = f"http://{stack.address(component.name, 'ollama')}"
    return Program(implementation, _module("infra.models", "--url", url, *models))


def _migrations(stack: Stack, component: Component, implementation: Implementation) -> Program:
    command = _module(
        "infra.migrate",
        *("--url", database_url(stack, component.name)),
        *("--password-file", stack.file(component.name, PASSWORD_FILE)),
        *("--collections", str(stack.settings.collections_file)),
    )
    return Program(
        implementation,
        command,
        files=password_file,
        source=source_digest(
            "migrations",
            "infra/migrate.py",
            "services/collections/migrate_config.py",
            str(stack.settings.collections_file),
        ),
    )


def _service(stack: Stack, component: Component, implementation: Implementation) -> Program:
    service = SERVICES[component.role]
    running = Program(
        implementation,
        _module(service.module),
        service.environment(stack, component.name),
        files=service.files,
        live_files=service.live_files,
        source=source_digest("services/common", service.module.replace(".", "/")),
    )
    name = release_of(stack, component.name)
    if name == releases.own():
        return running
    release = releases.find(name)
    return replace(
        running,
        implementation=replace(implementation, version=name),
        # Before what is installed: `services` is the release's, all else this environment's.
        environment=running.environment | {"PYTHONPATH": str(release.path)},
        source=name,
    )


def _kong(stack: Stack, component: Component, implementation: Implementation) -> Program:
    directory = str(stack.paths.run(component.name))
    command = (
        *(implementation.program, "-c", f"{directory}/bootstrap.json"),
        *("--concurrency", "2", "--disable-hot-restart", "--log-level", "warn"),
        *("--file-flush-interval-msec", "1000"),  # access log lines reach `make logs` within a second
    )

    def files(secrets: Secrets, *, live: bool) -> dict[str, str]:
        rendered = gateway_files(stack.topology, stack.settings, stack.address, secrets, directory=directory)
        return {name: content for name, content in rendered.items() if is_live(name) == live}

    return Program(implementation, command, files=partial(files, live=False), live_files=partial(files, live=True))


_PROGRAMS: dict[str, Callable[[Stack, Component, Implementation], Program]] = {
    "toxiproxy": _toxiproxy,
    "ollama": _ollama,
    "qdrant-0": _qdrant,
    "qdrant-1": _qdrant,
    "qdrant-2": _qdrant,
    "redis": _redis,
    "timescaledb": _timescaledb,
    "models": _models,
    "migrations": _migrations,
    **dict.fromkeys(SERVICES, _service),
    "kong": _kong,
}
