"""Rules about images: which version, which content, from where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.policy.rule import Case, Complaint
from infra.targets.docker.images import pinned_as

MOVING = {"latest", "stable", "edge", "nightly", "main", "master", "dev"}
"""Tags that their owners move from one image to another, as they do a major version's."""


@dataclass(frozen=True)
class Image:
    """The parts of an image's name: `registry/repository:tag@digest`."""

    registry: str
    repository: str
    tag: str
    digest: str


def parsed(name: str) -> Image:
    """The parts of a name as a Docker engine reads it: without a registry it is from docker.io."""
    rest, _, digest = name.partition("@")
    first, slash, path = rest.partition("/")
    if not slash or not (re.search(r"[.:]", first) or first == "localhost"):
        first, path = "docker.io", rest
    repository, _, tag = path.partition(":")
    return Image(first, repository, tag, digest)


def versions(case: Case) -> Iterator[Complaint]:
    """Every image has a tag that stays with one version."""
    for one in case.manifest.components:
        tag = parsed(one.runs).tag
        head = tag.partition("-")[0]
        if not tag or head in MOVING or re.fullmatch(r"v?\d{1,3}", head):
            said = f"the tag {tag!r} of {one.runs} moves" if tag else f"{one.runs} has no tag, which means latest"
            yield one.component, said, "name a whole version, such as 3.9.3, in infra/topology.py or as `release`"


def digests(case: Case) -> Iterator[Complaint]:
    """Every image has a digest, if the stack asks for that."""
    for one in case.manifest.components if case.settings.require_digests else ():
        image = parsed(one.runs)
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", image.digest):
            entry = pinned_as(case.topology.component(one.component), image.tag)
            yield (
                one.component,
                f"{one.runs} has no digest, which requireDigests asks for",
                f"add {entry}=sha256:... to imageDigests; `docker image inspect` tells it",
            )


def registries(case: Case) -> Iterator[Complaint]:
    """Every image is from a registry that the stack allows, if it names any."""
    allowed = case.settings.registries
    for one in case.manifest.components if allowed else ():
        registry = parsed(one.runs).registry
        if registry not in allowed:
            yield (
                one.component,
                f"{one.runs} is from {registry}; allowed are {', '.join(allowed)}",
                "set `registry` to one that mirrors it, or add its own to `registries`",
            )
