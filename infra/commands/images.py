"""Build the images of the services and of the jobs from this checkout, for the docker target.

Names and tags are those that the stack's settings `release` and `registry` ask for, unless they are given here. The
packages are those of images/*.lock and are held to its hashes. PIP_INDEX_URL in the environment names a mirror of the
package index, PIP_TRUSTED_HOST one whose certificate the base image does not know.

  breakwater images                                      breakwater/query:0.1.0 and so on
  breakwater images --release 0.2.0 --registry images.lan:5000 --push
                                                         for hosts that take them from that registry
  breakwater images --base images.lan:5000/python:3.11   made from a mirror's base; it may carry a digest
"""

import argparse
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from infra.settings import PROJECT_ROOT, Settings
from infra.stack_settings import stack_settings
from infra.targets.docker.builder import Builder, ImagesError
from infra.targets.docker.images import image_name
from infra.topology import topology

LABEL = "org.opencontainers.image"


@dataclass(frozen=True)
class Image:
    """An image to build: the Dockerfile's target, its name with the tag, and the components that run it."""

    target: str
    name: str
    components: tuple[str, ...]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the images are called, what they are made from and how, and whether they are pushed."""
    parser.add_argument("--release", help="their tag (default: as the stack has it)")
    parser.add_argument("--registry", help="what comes before their names (default: as the stack has it)")
    parser.add_argument("--base", metavar="IMAGE", help="a Python image (default: the Dockerfile's)")
    parser.add_argument("--network", help="the builds' network, such as host for a mirror that this machine has itself")
    parser.add_argument("--push", action="store_true", help="push each to the registry")


def run(parsed: argparse.Namespace) -> int:
    """Build all, push them if asked to, and list them with their sizes and digests."""
    settings = stack_settings(parsed.stack, release=parsed.release, registry=parsed.registry)
    if parsed.push and not settings.registry:
        raise ImagesError("there is no registry to push to; name one: make images PUSH=1 REGISTRY=images.lan:5000")
    builder = Builder(settings.docker_host, parsed.network)
    console = Console(highlight=False)
    wanted = images(settings)
    base = {"PYTHON_IMAGE": parsed.base} if parsed.base else {}
    for number, image in enumerate(wanted, 1):
        console.rule(f"{number} of {len(wanted)}: {image.name}", align="left")
        labels = {f"{LABEL}.title": f"Breakwater {image.target}", f"{LABEL}.version": settings.release}
        builder.build(image.target, image.name, base, labels | _revision())
        if parsed.push:
            builder.push(image.name)
    show(console, {image: builder.inspect(image.name) for image in wanted})
    return 0


def images(settings: Settings) -> list[Image]:
    """The images that the topology has built here, each once; by their tags, whatever digests the stack asks for."""
    users: dict[str, list[str]] = {}
    for component in topology().components:
        if component.built_here:
            users.setdefault(component.image, []).append(component.name)
    by_tag = replace(settings, image_digests={})
    return [
        Image(image.removeprefix("breakwater/"), image_name(topology().component(names[0]), by_tag), tuple(names))
        for image, names in users.items()
    ]


def show(console: Console, built: Mapping[Image, Mapping[str, Any]]) -> None:
    """List the images, and what pins those that are in a registry, as the setting `imageDigests` has it."""
    table = Table("image", "MiB", "id", box=box.SIMPLE_HEAD)
    for image, found in built.items():
        table.add_row(image.name, f"{found['Size'] / 2**20:.0f}", found["Id"])
    console.print(table)
    pins = [
        f"{component}:{image.name.rpartition(':')[2]}={digest}"
        for image, found in built.items()
        for digest in _digests(image.name, found)
        for component in image.components
    ]
    if pins:
        console.print("What pins them, for the stack's setting imageDigests:", *pins, sep="\n  ", soft_wrap=True)


def _digests(name: str, found: Mapping[str, Any]) -> list[str]:
    repository = name.rpartition(":")[0]
    known = (one.partition("@") for one in found.get("RepoDigests") or ())
    return [digest for where, _, digest in known if where == repository]


def _revision() -> dict[str, str]:
    """The label with the commit that is built, marked where files differ from it; none outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        said = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {f"{LABEL}.revision": said.strip()}
