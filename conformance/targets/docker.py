"""The docker target: containers, found by the labels that the target gives them, at the engine of DOCKER_HOST."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import docker
from docker.errors import DockerException

from conformance.check import NonconformingError, NotApplicableError, expect

STACK_LABEL, COMPONENT_LABEL = "breakwater.stack", "breakwater.component"
HEALTHY_S = 180.0
STOP_S = 30  # for a component to end by itself
POLL_S = 0.5
EVERY = {"", "::"}  # as Docker also writes it for 0.0.0.0


def restart(outputs: Mapping[str, Any], component: str) -> None:
    """Have the engine restart the component's containers, and wait until they are healthy."""
    with _containers(outputs, component) as found:
        expect(found, f"no container has the labels of {component}")
        for container in found:
            container.restart(timeout=STOP_S)
            _wait_until_healthy(container, component)


def listening(outputs: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Interface and port of the machine that the engine leads to a container of the stack."""
    with _containers(outputs) as found:
        bound = [
            binding
            for container in found
            for bindings in container.attrs["NetworkSettings"]["Ports"].values()
            for binding in bindings or ()
        ]
    return {("0.0.0.0" if one["HostIp"] in EVERY else one["HostIp"], int(one["HostPort"])) for one in bound}  # noqa: S104 - what is found


@contextmanager
def _containers(outputs: Mapping[str, Any], component: str = "") -> Iterator[list[Any]]:
    labels = [f"{STACK_LABEL}={outputs['manifest']['stack']}"]
    labels += [f"{COMPONENT_LABEL}={component}"] if component else []
    try:
        engine = docker.from_env()
    except DockerException as error:
        raise NotApplicableError(f"no Docker engine can be asked from here: {error}") from None
    with closing(engine):
        yield engine.containers.list(filters={"label": labels})


def _wait_until_healthy(container: Any, component: str) -> None:
    deadline = time.monotonic() + HEALTHY_S
    while True:
        container.reload()
        state = container.attrs["State"]
        status = state.get("Health", {}).get("Status", "healthy" if state["Running"] else "gone")
        if status == "healthy":
            return
        if time.monotonic() > deadline:
            raise NonconformingError(f"{component} is {status} {HEALTHY_S:g} s after its restart")
        time.sleep(POLL_S)
