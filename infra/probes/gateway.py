"""The configuration that the gateway goes by against the rendered one, by their versions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.drift.drift import ABSENT, Drift
from infra.gateway import KONG_FILE
from infra.gateway.envoy.jwt import JWT, JWT_FILE
from infra.gateway.kong import configuration_hash
from infra.probes.http import ask

COMPONENT = "kong"
DISCOVERED = ("lds.json", "cds.json", "rds.json", JWT_FILE)
"""The files that Envoy reads again when another is moved into their place."""

Versions = Mapping[str, str]


def wanted(files: Mapping[str, str], *, envoy: bool) -> Versions:
    """The version of each rendered file that can be asked for."""
    if envoy:
        return {name: json.loads(files[name])["version_info"] for name in DISCOVERED}
    return {KONG_FILE: configuration_hash(files[KONG_FILE])}


def read(admin: str, *, envoy: bool) -> tuple[Versions, frozenset[str]]:
    """The versions in force, and the names of the consumers; raises SilentError."""
    if envoy:
        dump = ask(f"{admin}/config_dump")
        return envoy_versions(dump), envoy_consumers(dump)
    status, consumers = ask(f"{admin}/status"), ask(f"{admin}/consumers")
    return {KONG_FILE: status["configuration_hash"]}, frozenset(one["username"] for one in consumers["data"])


def envoy_versions(dump: Mapping[str, Any]) -> Versions:
    """The version that Envoy goes by of each file, from its /config_dump."""
    # A listener or cluster that did not change keeps the version with which it came, so the whole file's is told.
    whole = {"lds.json": "ListenersConfigDump", "cds.json": "ClustersConfigDump"}
    parts = {"rds.json": ("RoutesConfigDump", "dynamic_route_configs"), JWT_FILE: _FILTERS}
    versions = {name: str(_part(dump, kind).get("version_info", "")) for name, kind in whole.items()}
    return versions | {
        name: " ".join(sorted({str(one.get("version_info")) for one in _part(dump, kind).get(of, [])}))
        for name, (kind, of) in parts.items()
    }


def envoy_consumers(dump: Mapping[str, Any]) -> frozenset[str]:
    """The consumers whose tokens Envoy lets pass, from its /config_dump."""
    kind, of = _FILTERS
    filters = [one["ecds_filter"] for one in _part(dump, kind).get(of, [])]
    return frozenset(name for one in filters if one["name"] == JWT for name in one["typed_config"]["providers"])


_FILTERS = ("EcdsConfigDump", "ecds_filters")


def _part(dump: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((part for part in dump["configs"] if part["@type"].endswith(f".{kind}")), {})


def compare(wanted: Versions, consumers: Iterable[str], found: tuple[Versions, frozenset[str]]) -> Iterator[Drift]:
    """Where the gateway goes by something else."""
    versions, known = found
    for name, version in wanted.items():
        if versions.get(name) != version:
            yield Drift(COMPONENT, "gateway", name, f"version {version}", f"version {versions.get(name) or 'unknown'}")
    for name in sorted(known ^ set(consumers)):
        there = name in known
        yield Drift(COMPONENT, "consumer", name, ABSENT if there else "known", "known" if there else ABSENT)
