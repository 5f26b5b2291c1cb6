"""A stack's images in a bundle: written by the engine of one machine, read by that of another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.bundle import LOCK, BundleError, read_lock
from infra.settings import Settings
from infra.targets.deployment import topology_of
from infra.targets.docker.builder import Builder
from infra.targets.docker.images import image_name
from infra.wheels import sha256

IMAGES = "images.tar"
"""All in one file: those that are built here share most of their layers."""

Identity = Mapping[str, Any]
"""What tells two images apart: the id, which depends on how the engine stores images, and the layers."""


def names(settings: Settings) -> list[str]:
    """The images of the stack's topology, each once; raises BundleError where the stack pins some by digest."""
    if settings.image_digests:
        raise BundleError(
            "the stack's imageDigests pin what a registry gives, and an image out of a file has no such digest; unset "
            "it for this stack (pulumi config rm imageDigests): a bundle pins images by their ids"
        )
    return sorted({image_name(component, settings) for component in topology_of(settings).components})


def save(settings: Settings, file: Path) -> dict[str, Identity]:
    """Have the engine write the stack's images to `file`; returns what identifies each. Raises BundleError."""
    engine = Builder(settings.docker_host)
    found = {name: engine.find(name) for name in names(settings)}
    missing = [name for name, image in found.items() if image is None]
    if missing:
        raise BundleError(
            f"the engine does not have {', '.join(missing)}; `make images` builds those of breakwater, "
            "`docker pull NAME` gets another"
        )
    engine.save(list(found), file)
    return {name: _identity(image) for name, image in found.items() if image}


def load(settings: Settings, lock: Path = LOCK) -> list[str]:
    """Have the engine hold the images of the bundle beside `lock`; returns those that it did not have yet.

    Raises BundleError where one is not what the lock says, before the stack is touched.
    """
    told = read_lock(lock)
    wanted: dict[str, Identity] = told["images"]
    lacking = [name for name in names(settings) if name not in wanted]
    if lacking:
        raise BundleError(
            f"the bundle of stack {told['stack']} lacks {', '.join(lacking)}; make one of this stack, where there is a "
            f"network: make bundle STACK={settings.stack}"
        )
    engine = Builder(settings.docker_host)
    new = [name for name, image in wanted.items() if _id(engine.find(name)) != image["id"]]
    if not new:
        return []
    file = lock.parent / IMAGES
    if not file.exists() or sha256(file) != told["files"][IMAGES]["sha256"]:
        raise BundleError(f"{file} is not as the bundle was written; unpack the archive again, or carry it over again")
    engine.load(file)
    for name in new:
        image = engine.find(name)
        if image is None or not _same(_identity(image), wanted[name]):
            raise BundleError(f"{name} in the engine is not that of the bundle: its id should be {wanted[name]['id']}")
    return new


def _identity(image: Mapping[str, Any]) -> Identity:
    return {"id": image["Id"], "layers": image["RootFS"]["Layers"]}


def _same(found: Identity, wanted: Identity) -> bool:
    """Whether these are one image; an engine with another kind of store gives another id to the same layers."""
    return bool(found["id"] == wanted["id"] or found["layers"] == wanted["layers"])


def _id(image: Mapping[str, Any] | None) -> str:
    return image["Id"] if image else ""
