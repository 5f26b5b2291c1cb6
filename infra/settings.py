"""A stack's settings: Pulumi configuration, typed and validated. Pulumi.yaml documents and defaults each."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args

import yaml

from infra.topology import RELEASED, topology

PROJECT_ROOT = Path(__file__).resolve().parent.parent
Target = Literal["local", "docker"]
TARGETS: tuple[Target, ...] = get_args(Target)
Gpu = Literal["auto", "all", "none"]
GPUS: tuple[Gpu, ...] = get_args(Gpu)
QDRANT_NODES = (1, 3)  # two would stop at the first failure, as one does

OWN = frozenset(component.name for component in topology(candidates=True).components if component.built_here)
"""The components whose images are this project's own."""

T = TypeVar("T", bound=str)


class SettingsError(ValueError):
    """A stack setting is missing or wrong; the message names it and what would be right."""


class Config(Protocol):
    """The part of `pulumi.Config` that is read here."""

    def require(self, key: str) -> str: ...
    def require_int(self, key: str) -> int: ...
    def require_bool(self, key: str) -> bool: ...
    def require_object(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class Settings:
    """What may differ between two stacks of the same topology."""

    stack: str
    target: Target
    port_offset: int
    chaos: bool
    qdrant_nodes: int
    use_path: bool
    embedding_model: str
    generation_model: str
    collections_file: Path
    data_root: Path
    docs_root: Path
    consumers: tuple[str, ...]
    rate_limit_minute: int
    rate_limit_hour: int
    cors_origins: tuple[str, ...]
    legacy_routes: bool
    breaker_recovery_s: int
    breakers_forced_closed: bool
    cache: bool
    query_processes: int
    docker_host: str
    gpu: Gpu
    release: str
    candidate: str
    candidate_weights: Mapping[str, int]
    registry: str
    image_digests: Mapping[str, str]
    require_digests: bool
    registries: tuple[str, ...]
    stop_first: tuple[str, ...]


@cache
def _defaults() -> Mapping[str, Any]:
    schema = yaml.safe_load((PROJECT_ROOT / "Pulumi.yaml").read_text())["config"]
    return {key: entry["default"] for key, entry in schema.items()}


class DefaultConfig:
    """The defaults of Pulumi.yaml, as Pulumi hands them to the program, with some values changed."""

    def __init__(self, **changes: object) -> None:
        self.values: dict[str, Any] = {**_defaults(), **changes}

    def require(self, key: str) -> str:
        return str(self.values[key])

    def require_int(self, key: str) -> int:
        return int(self.values[key])

    def require_bool(self, key: str) -> bool:
        return str(self.values[key]).lower() == "true"  # `pulumi config set` writes it as text

    def require_object(self, key: str) -> list[str]:
        value = self.values[key]
        return list(json.loads(value) if isinstance(value, str) else value)


def read_settings(config: Config, stack: str) -> Settings:
    """Read and check the configuration of `stack`; raises SettingsError naming the setting that is wrong."""
    target = _one_of(config, "target", TARGETS)
    consumers = tuple(config.require_object("consumers"))
    if not consumers or len(set(consumers)) < len(consumers) or not all(c.isidentifier() for c in consumers):
        raise SettingsError(f"consumers is {list(consumers)}; it must be distinct names such as 'app'")
    limits = {key: _at_least_1(config, key) for key in ("rateLimitMinute", "rateLimitHour")}
    if limits["rateLimitHour"] < limits["rateLimitMinute"]:
        raise SettingsError("rateLimitHour is below rateLimitMinute; no hour would allow what its minutes do")
    qdrant_nodes = config.require_int("qdrantNodes")
    if qdrant_nodes not in QDRANT_NODES:
        raise SettingsError(f"qdrantNodes is {qdrant_nodes}; it must be {' or '.join(map(str, QDRANT_NODES))}")
    return Settings(
        stack=stack,
        target=target,
        port_offset=config.require_int("portOffset"),
        chaos=config.require_bool("chaos"),
        qdrant_nodes=qdrant_nodes,
        use_path=config.require_bool("usePath"),
        embedding_model=config.require("embeddingModel"),
        generation_model=config.require("generationModel"),
        **_paths(config),
        consumers=consumers,
        rate_limit_minute=limits["rateLimitMinute"],
        rate_limit_hour=limits["rateLimitHour"],
        cors_origins=tuple(config.require_object("corsOrigins")),
        legacy_routes=config.require_bool("legacyRoutes"),
        breaker_recovery_s=_at_least_1(config, "breakerRecoveryS"),
        breakers_forced_closed=config.require_bool("breakersForcedClosed"),
        cache=config.require_bool("cache"),
        query_processes=_at_least_1(config, "queryProcesses"),
        docker_host=config.require("dockerHost"),
        gpu=_one_of(config, "gpu", GPUS),
        release=_release(config, "release"),
        candidate=_release(config, "candidate"),
        candidate_weights=_weights(config),
        registry=config.require("registry").rstrip("/"),
        image_digests=_digests(config),
        require_digests=config.require_bool("requireDigests"),
        registries=tuple(config.require_object("registries")),
        stop_first=_components(config, "stopFirst"),
    )


def _one_of(config: Config, key: str, values: tuple[T, ...]) -> T:
    given = config.require(key)
    for value in values:
        if value == given:
            return value
    raise SettingsError(f"{key} is {given!r}; it must be one of {', '.join(map(str, values))}")


def _digests(config: Config) -> Mapping[str, str]:
    digests = dict(entry.partition("=")[::2] for entry in config.require_object("imageDigests"))
    for component, digest in digests.items():
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise SettingsError(
                f"imageDigests has {component}={digest}; an entry is COMPONENT=sha256: and 64 hexadecimal digits"
            )
        if component in OWN:  # the digest goes before the tag: under another release's name this one's image would run
            raise SettingsError(f"imageDigests has {component}; pin one release of it: {component}:0.1.0=sha256:...")
    return digests


def _release(config: Config, key: Literal["release", "candidate"]) -> str:
    name = config.require(key)
    if not re.fullmatch(r"[A-Za-z0-9._-]+" if key == "release" else r"[A-Za-z0-9._-]*", name):
        raise SettingsError(f"{key} is {name!r}; it must be a release's name, such as 0.2.0")
    return name


def _weights(config: Config) -> Mapping[str, int]:
    """The candidate's share of the requests to each service that has one."""
    release, candidate = config.require("release"), config.require("candidate")
    weights = dict(_weight(entry) for entry in config.require_object("candidateWeights"))
    if weights and not candidate:
        raise SettingsError(f"candidateWeights has {', '.join(weights)}, and there is no candidate; name one, or none")
    # A promotion ends with both the same: all requests are with the one or the other.
    if candidate == release and not {*weights.values()} <= {0, 100}:
        raise SettingsError(f"candidate is {candidate!r}, the stable release itself; then a weight is 0 or 100")
    return weights


def _weight(entry: str) -> tuple[str, int]:
    service, _, percent = entry.partition("=")
    if service not in RELEASED:
        raise SettingsError(f"candidateWeights has {entry!r}; an entry is SERVICE=PERCENT of {', '.join(RELEASED)}")
    if not re.fullmatch(r"\d{1,3}", percent) or int(percent) > 100:
        raise SettingsError(f"candidateWeights has {entry!r}; the share is a whole number from 0 to 100")
    return service, int(percent)


def _components(config: Config, key: str) -> tuple[str, ...]:
    names, known = config.require_object(key), topology(observability=True).by_name
    for name in names:
        if name not in known:
            raise SettingsError(f"{key} has {name!r}, which is no component; there are {', '.join(known)}")
    return tuple(names)


def _at_least_1(config: Config, key: str) -> int:
    value = config.require_int(key)
    if value < 1:
        raise SettingsError(f"{key} is {value}; it must be at least 1")
    return value


def _paths(config: Config) -> Mapping[str, Path]:
    fields = {"collections_file": "collectionsFile", "data_root": "dataRoot", "docs_root": "docsRoot"}
    return {field: (PROJECT_ROOT / config.require(key)).resolve() for field, key in fields.items()}
