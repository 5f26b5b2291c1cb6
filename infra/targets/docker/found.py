"""What really runs of a stack of the docker target: the containers, as the engine's inspection documents have them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from infra.drift.drift import Drift, Found
from infra.manifest import Deployed, Manifest, Published
from infra.targets.docker.engine import COMPONENT_LABEL
from infra.topology import Limits

CRASHES, WITHIN_S = 3, 60.0
"""So many restarts, the last of them so few seconds ago, are a crash loop: the engine waits longer each time."""
MIB = 1024 * 1024

T = TypeVar("T")
Document = Mapping[str, Any]
"""What `docker inspect` says of a container."""
Digests = Callable[[Document, Deployed], tuple[Mapping[str, str], Mapping[str, str]]]
"""The digests of a container's files, and of its live ones, as `Deployed` has them; looked up in the container."""


def found(
    wanted: Manifest, documents: Iterable[Document], digests: Digests, images: Mapping[str, Document], now: datetime
) -> Found:
    """Every component that there is, and its condition. A job leaves no container behind, so of it nothing is known.

    Args:
        documents: of all containers with the stack's label and a component's, also of those that have ended.
        images: what `docker image inspect` says, by the images' ids.
    """
    components = [component for component in wanted.components if component.strategy == "run"]
    conditions: list[Drift] = []
    names = {component.component for component in wanted.components}
    by_component: dict[str, list[Document]] = {}
    for document in documents:
        by_component.setdefault(_component(document), []).append(document)
    for component in wanted.components:
        those = sorted(by_component.get(component.component, ()), key=_ended)
        for first in those[:1]:
            image = images.get(first["Image"], {})
            components.append(as_it_runs(wanted.stack, component, first, digests, image))
            conditions += condition(component.component, first, now)
        conditions += [Drift(component.component, "extra", _name(one), "one container", "another") for one in those[1:]]
    components += [
        Deployed(name, those[0]["Config"]["Image"], (), "run")
        for name, those in by_component.items()
        if name not in names
    ]
    return Found(tuple(components), tuple(conditions))


def condition(component: str, document: Document, now: datetime) -> list[Drift]:
    """What is the matter with how it runs; nothing where it serves."""
    state = document["State"]
    status = str(state["Status"])
    since_s = (now - _time(state["StartedAt"])).total_seconds()
    if status == "restarting" or (document["RestartCount"] >= CRASHES and since_s < WITHIN_S):
        said = f"restarted {document['RestartCount']} times, the last time {since_s:.0f} s ago"
        return [Drift(component, "crashing", wanted="runs", found=said)]
    if status == "paused":
        return [Drift(component, "paused", wanted="runs", found="paused")]
    if status != "running":
        return [Drift(component, "stopped", wanted="runs", found=f"{status}, exit status {state['ExitCode']}")]
    if (state.get("Health") or {}).get("Status") == "unhealthy":
        return [Drift(component, "silent", wanted="answers", found="unhealthy")]
    return []


def as_it_runs(stack: str, wanted: Deployed, document: Document, digests: Digests, image: Document) -> Deployed:
    """The container as a manifest has one. What is not wanted and is the image's own is no difference."""
    config, host = document["Config"], document["HostConfig"]
    files, live_files = digests(document, wanted)
    prefix = f"breakwater-{stack}-"
    return replace(
        wanted,
        runs=config["Image"],
        command=_command(wanted.command, config, image.get("Config") or {}),
        environment=_environment(wanted.environment, config, image.get("Config") or {}),
        files=files,
        live_files=live_files,
        limits=_limits(host),
        health=tuple((config.get("Healthcheck") or {}).get("Test") or ()),
        ports=_as_ordered(wanted.ports, _published(host)),
        networks=_as_ordered(
            wanted.networks, (name.removeprefix(prefix) for name in document["NetworkSettings"]["Networks"])
        ),
        volumes=_volumes(wanted.volumes, document["Mounts"], prefix),
        user=config.get("User", "") if wanted.user else "",
        read_only=bool(host.get("ReadonlyRootfs")),
        privileged=bool(host.get("Privileged")),
        capabilities=_as_ordered(wanted.capabilities, _capabilities(host)),
        restarts=(host.get("RestartPolicy") or {}).get("Name") in {"always", "unless-stopped"},
    )


def _component(document: Document) -> str:
    return str(document["Config"]["Labels"][COMPONENT_LABEL])


def _name(document: Document) -> str:
    return str(document["Name"]).removeprefix("/")


def _ended(document: Document) -> bool:
    return not document["State"]["Running"]


def _time(text: str) -> datetime:
    """RFC 3339 with nanoseconds, as Go writes it."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def _command(wanted: tuple[str, ...], config: Document, image: Document) -> tuple[str, ...]:
    entrypoint, command = (tuple(config.get(part) or ()) for part in ("Entrypoint", "Cmd"))
    own = tuple(tuple(image.get(part) or ()) for part in ("Entrypoint", "Cmd"))
    if entrypoint == own[0]:  # the image's own, so that it is not stated
        return () if command == own[1] and not wanted else command
    return entrypoint + command


def _environment(wanted: Mapping[str, str], config: Document, image: Document) -> dict[str, str]:
    own = set(image.get("Env") or ())
    pairs = (one.partition("=") for one in config.get("Env") or () if one not in own)
    stated = {name: value for name, _, value in pairs}
    # One that is wanted as the image has it counts as stated.
    of_image = dict(one.split("=", 1) for one in own if "=" in one)
    return stated | {name: value for name, value in of_image.items() if name in wanted and name not in stated}


def _limits(host: Document) -> Limits | None:
    """None where either is not limited."""
    memory, cpus = int(host.get("Memory") or 0), int(host.get("NanoCpus") or 0) / 1e9
    if not cpus and host.get("CpuQuota"):
        cpus = host["CpuQuota"] / (host.get("CpuPeriod") or 100_000)
    return Limits(memory // MIB, cpus) if memory and cpus else None


def _published(host: Document) -> list[Published]:
    return [
        Published(binding["HostIp"] or "0.0.0.0", int(binding["HostPort"]), int(inner.partition("/")[0]))  # noqa: S104
        for inner, bindings in (host.get("PortBindings") or {}).items()
        for binding in bindings or ()
    ]


def _volumes(wanted: Mapping[str, str], mounts: Sequence[Document], prefix: str) -> dict[str, str]:
    """By where they are mounted; a volume without a name is one that holds files."""
    named = {
        mount["Destination"]: mount["Name"].removeprefix(prefix) if mount["Type"] == "volume" else mount["Source"]
        for mount in mounts
        if mount["Type"] in {"volume", "bind"}
    }
    return {
        path: name
        for path, name in named.items()
        if path in wanted or not (len(name) == 64 and set(name) <= set("0123456789abcdef"))
    }


def _capabilities(host: Document) -> list[str]:
    """Beyond none; where not all are taken, that is told."""
    dropped = {name.upper() for name in host.get("CapDrop") or ()}
    return [*(host.get("CapAdd") or ()), *(() if "ALL" in dropped else ("the engine's default",))]


def _as_ordered(wanted: tuple[T, ...], there: Iterable[T]) -> tuple[T, ...]:
    """What is there in the order in which it is wanted: the engine has none."""
    there = list(there)
    return (*(one for one in wanted if one in there), *sorted((o for o in there if o not in wanted), key=str))
