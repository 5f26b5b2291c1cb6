"""A container that runs to its end: a job is one that does so again whenever it changes."""

from typing import Any

import pulumi
import requests
from docker.types import LogConfig, Mount
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from infra.targets.docker.container import FOLDER
from infra.targets.docker.engine import JOB_LABEL, STACK_LABEL, archive, engine, of_stack
from infra.targets.dynamic import Props, Provider

LOG_LINES = 25
"""How much of its log a failed run shows."""


class FailedError(RuntimeError):
    """It ended with another status than 0, or not in time; the message ends with its last log lines."""


def run_once(props: Props) -> None:
    """Run it to its end; nothing of it stays. Raises FailedError, or EngineError."""
    with engine(props["dockerHost"]) as client:
        _remove_left_over(client, props)
        container = _create(client, props)
        try:
            if props["files"]:
                container.put_archive(FOLDER, archive(props["files"], FOLDER))
            container.start()
            said = _ended(container, int(props["seconds"]))
            if said:
                log = container.logs(tail=LOG_LINES).decode(errors="replace").strip()
                raise FailedError(f"{props['name']} {said}:\n{log or '(no output)'}")
        finally:
            container.remove(v=True, force=True)


def _ended(container: Any, seconds: int) -> str:
    """What is wrong with how it ended; empty for status 0."""
    try:
        status = container.wait(timeout=seconds)["StatusCode"]
    except requests.RequestException:
        return f"is not done after {seconds} s"
    return f"ended with status {status}" if status else ""


def _labels(props: Props) -> dict[str, str]:
    return {STACK_LABEL: props["stack"], JOB_LABEL: props["name"]}


def _remove_left_over(client: Any, props: Props) -> None:
    """What a killed `up` left."""
    for container in of_stack(client, props["stack"], JOB_LABEL, props["name"], ended=True):
        container.remove(v=True, force=True)


def _create(client: Any, props: Props) -> Any:
    memory = f"{int(props['memoryMb'])}m"
    return client.containers.create(
        props["image"],
        list(props["command"]),
        user=props["user"],
        network=props["network"],
        labels=_labels(props),
        # Its own, so that files can be put into it: a read-only root takes none.
        mounts=[Mount(FOLDER, None, type="volume")] if props["files"] else [],
        tmpfs=dict(props["tmpfs"]),
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=round(float(props["cpus"]) * 1e9),
        log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "1"}),
    )


ONCE_KEYS = ("stack", "name", "image", "imageId", "command", "files", "user", "network", "tmpfs", "memoryMb", "cpus")


class JobProvider(Provider):
    """Runs it when it is new, and when it is not the same any more."""

    keys = ONCE_KEYS

    def create(self, props: Props) -> CreateResult:
        run_once(props)
        return CreateResult(f"{props['stack']}/{props['name']}", props)

    def update(self, _id: str, _olds: Props, news: Props) -> UpdateResult:
        run_once(news)
        return UpdateResult(news)


class Job(Resource, module="docker", name="Job"):
    """A component that runs to its end, once for each version of it."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(JobProvider(), name, props, opts)
