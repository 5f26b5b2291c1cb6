"""Containers of the images that the docker target names, gone afterwards; nothing is ever pulled."""

import gc
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import psutil
import pytest
from docker.errors import DockerException, ImageNotFound

from infra.topology import topology

LABEL = "breakwater.tests"
"""Of every container and network made here, with the process that made it: what a killed one left is found by it."""

LOOPBACK = "127.0.0.1"
LOCAL = "http+docker://"  # an engine behind a socket of this machine, whose published ports are this machine's


def open_engine() -> docker.DockerClient:
    """The Docker engine; skips the test where none answers, or one of another machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a client that finds no engine leaves its socket open
        engine = _connected()
        gc.collect()
    if engine is None:
        pytest.skip("no Docker engine answers on this machine")
    if not engine.api.base_url.startswith(LOCAL):
        engine.close()
        pytest.skip("the Docker engine of DOCKER_HOST is not on this machine")
    return engine


def _connected() -> docker.DockerClient | None:
    try:
        return docker.from_env(timeout=60)
    except DockerException:
        return None


def image_of(engine: Any, component: str) -> str:
    """The component's image; skips the test where the engine does not have it."""
    image = topology(observability=True).component(component).image
    try:
        engine.images.get(image)
    except ImageNotFound:
        pytest.skip(f"the Docker engine lacks the image {image}; get it with: docker pull {image}")
    return image


def remove_left_overs(engine: Any) -> None:
    """Remove the containers and networks of test processes that are gone."""
    for container in engine.containers.list(all=True, filters={"label": LABEL}):
        if _is_orphan(container.labels):
            container.remove(force=True, v=True)
    for network in engine.networks.list(filters={"label": LABEL}):
        if _is_orphan(network.attrs["Labels"]):
            network.remove()


def _is_orphan(labels: Mapping[str, str]) -> bool:
    return not psutil.pid_exists(int(labels[LABEL]))


def labels() -> dict[str, str]:
    """What marks what this process makes."""
    return {LABEL: str(os.getpid())}


@contextmanager
def running(
    image: str,
    ports: Mapping[int, int],
    *,
    environment: Mapping[str, str] | None = None,
    command: str | None = None,
    network: Any = None,
    alias: str = "",
) -> Iterator[Any]:
    """A container of the image; gives Docker's object for it.

    Args:
        ports: the container's ports with those of this machine that lead to them.
        alias: its name in the network.
    """
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = True  # it would be pulled; labels take its place
    container = DockerContainer(image, command=command).with_envs(**(environment or {})).with_kwargs(labels=labels())
    container.ports = {inner: (LOOPBACK, host) for inner, host in ports.items()}  # type: ignore[misc]  # as Docker's SDK takes them
    if network:
        container.with_network(network).with_network_aliases(alias)
    with container:
        started = container.get_wrapped_container()
        try:
            yield started
        except BaseException:
            print(f"the end of the log of {image}:", started.logs(tail=30).decode(errors="replace"), sep="\n")
            raise


def eventually(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
