"""A container's properties, as a policy pack gets them from Pulumi, as the manifest has them."""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.manifest import Deployed, Published
from infra.targets.docker.engine import COMPONENT_LABEL
from infra.topology import Limits, Topology

EVERY = "0.0.0.0"  # noqa: S104 - where Docker publishes what names no address

Props = Mapping[str, Any]


def runs(props: Props) -> bool:
    """Whether the container is to run; one that only holds files is not."""
    return props.get("start") is not False


def deployed(name: str, props: Props, topology: Topology, *, create_first: bool) -> Deployed:
    """The container of the component that its label names, or else of the name of the resource."""
    labels = {label["label"]: label["value"] for label in _several(props, "labels")}
    component = str(labels.get(COMPONENT_LABEL, name))
    design = topology.by_name.get(component)
    check = props.get("healthcheck") or {}
    return Deployed(
        component,
        runs=str(props.get("image", "")),
        command=(*_words(props, "entrypoints"), *_words(props, "command")),
        strategy="create-first" if create_first else "stop-first",
        environment=dict(variable.partition("=")[::2] for variable in _words(props, "envs")),
        limits=_limits(props),
        health=_words(check, "tests"),
        ports=tuple(
            Published(str(port.get("ip") or EVERY), int(port.get("external") or 0), int(port["internal"]))
            for port in _several(props, "ports")
        ),
        networks=("host",) if props.get("networkMode") == "host" else (),
        volumes={
            str(volume.get("containerPath")): str(volume.get("volumeName") or volume.get("hostPath"))
            for volume in _several(props, "volumes")
            if volume.get("containerPath")
        },
        user=str(props.get("user") or ""),
        read_only=bool(props.get("readOnly")),
        privileged=bool(props.get("privileged")),
        capabilities=_words(props.get("capabilities") or {}, "adds"),
        restarts=props.get("restart") in {"always", "unless-stopped", "on-failure"},
        stateful=bool(design and design.stateful),
    )


def _limits(props: Props) -> Limits | None:
    memory, cpus = props.get("memory"), props.get("cpus")
    return Limits(int(memory or 0), float(cpus or 0)) if memory or cpus else None


def _several(props: Props, name: str) -> Iterable[Props]:
    return props.get(name) or ()


def _words(props: Props, name: str) -> tuple[str, ...]:
    return tuple(map(str, props.get(name) or ()))
