"""The Docker engine of a stack, for what is more than a declared container: run something once, fill a volume."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import PurePosixPath
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound
from docker.types import Mount

CONTAINER = "docker:index/container:Container"  # the type of one in Pulumi's state
STACK_LABEL = "breakwater.stack"
COMPONENT_LABEL = "breakwater.component"
IMAGE_LABEL = "breakwater.image"
SPEC_LABEL = "breakwater.spec"
FILES_LABEL = "breakwater.files"  # of what holds the files of the component of that name, and never runs
JOB_LABEL = "breakwater.job"  # of what runs to its end
READABLE = 0o444  # a container's user is not the owner of its files; nobody else is in there
_TIMEOUT_S = 60


class EngineError(RuntimeError):
    """The engine does not do as asked; the message says what to do."""


@contextmanager
def engine(docker_host: str) -> Iterator[Any]:
    """The engine at `docker_host`, or the environment's; raises EngineError for what it refuses in the block."""
    try:
        with closing(_client(docker_host)) as client:
            yield client
    except DockerException as error:
        where = docker_host or "DOCKER_HOST, or this machine's socket"
        raise EngineError(f"the Docker engine ({where}): {error}") from None


def _client(docker_host: str) -> Any:
    # By the machine's own ssh, whose configuration then holds, as it does for the provider.
    if docker_host:
        return docker.DockerClient(docker_host, use_ssh_client=docker_host.startswith("ssh:"), timeout=_TIMEOUT_S)
    return docker.from_env(use_ssh_client=True, timeout=_TIMEOUT_S)


def of_stack(client: Any, stack: str, label: str, value: str = "", *, ended: bool = False) -> list[Any]:
    """The stack's containers with that label, of that value if there is one; also those that have ended if asked."""
    labels = [f"{STACK_LABEL}={stack}", f"{label}={value}" if value else label]
    found: list[Any] = client.containers.list(all=ended, filters={"label": labels})
    return found


def health(container: Any) -> str:
    """What the engine says of a container's health, or that it does not run."""
    state = container.attrs["State"]
    return str((state.get("Health") or {}).get("Status", "")) if state["Running"] else "not running"


def has_image(client: Any, name: str) -> bool:
    """Whether the engine has the image."""
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def has_gpu(docker_host: str) -> bool:
    """Whether the engine can hand a container an NVIDIA GPU; False too where no engine answers."""
    try:
        with engine(docker_host) as client:
            info = client.info()
    except EngineError:
        return False
    devices = (device.get("ID", "") for device in info.get("DiscoveredDevices") or ())
    return "nvidia" in (info.get("Runtimes") or {}) or any(device.startswith("nvidia.com/gpu") for device in devices)


def archive(files: Mapping[str, str], folder: str) -> bytes:
    """A tar of the files, whose paths are below `folder`, as that folder takes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in sorted(files.items()):
            data = content.encode()
            entry = tarfile.TarInfo(str(PurePosixPath(path).relative_to(folder)))
            entry.size, entry.mode = len(data), READABLE
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def fill_volume(client: Any, image: str, volume: str, files: Mapping[str, str], labels: Mapping[str, str]) -> None:
    """Put files (by their names) into a volume, by way of a container that never runs."""
    folder = "/volume"
    holder = client.containers.create(
        image,
        ["true"],
        labels=dict(labels),
        mounts=[Mount(folder, volume, type="volume")],
        network_mode="none",
        read_only=True,
    )
    try:
        holder.put_archive(folder, archive({f"{folder}/{name}": content for name, content in files.items()}, folder))
    finally:
        holder.remove(v=True, force=True)
