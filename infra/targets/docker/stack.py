"""A stack of the docker target that was deployed: what is wanted of it, what there is, and how it is put right."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from docker.errors import NotFound

from infra import workspace
from infra.drift.drift import Found
from infra.gateway import KONG_FILE
from infra.manifest import Deployed, Manifest, digest
from infra.probes.redis import settings_in
from infra.targets.docker.container import Container
from infra.targets.docker.containers import container
from infra.targets.docker.engine import COMPONENT_LABEL, engine, of_stack
from infra.targets.docker.found import Document, found
from infra.targets.docker.gateway_config import hand_out
from infra.targets.docker.manifest import of_place
from infra.targets.docker.once import run_once
from infra.targets.docker.place import LOOPBACK, Place, host_of
from infra.targets.running import State, deployed
from infra.targets.secret_resource import secret_state
from infra.targets.services import Files, Secrets

RESOURCE = "pulumi-python:dynamic/"


@dataclass(frozen=True)
class DockerStack:
    """The stack, with its state as Pulumi has it."""

    place: Place
    state: State

    @cached_property
    def wanted(self) -> Manifest:
        return of_place(self._at_the_engine)

    @cached_property
    def deployed(self) -> Manifest:
        return deployed(self.state) or self.wanted

    @cached_property
    def secrets(self) -> Secrets:
        return {name: secret_state(properties).accepted for name, properties in self._of("local:Secret").items()}

    @property
    def gateway_files(self) -> Mapping[str, str]:
        (config,) = self._container("kong").live_files(self.secrets).values()
        return {KONG_FILE: config}

    @property
    def envoy(self) -> bool:
        return False

    @property
    def proxies(self) -> Sequence[Mapping[str, Any]]:
        if not self.place.settings.chaos:
            return []
        proxies: list[dict[str, Any]] = json.loads(self._only_file("toxiproxy"))
        return proxies

    @property
    def redis_settings(self) -> Mapping[str, str]:
        return settings_in(self._only_file("redis"))

    @property
    def near(self) -> bool:
        return host_of(self.place.settings.docker_host) == LOOPBACK

    def is_up(self) -> bool:
        with self._containers() as containers:
            return bool(containers)

    def found(self) -> Found:
        with engine(self.place.settings.docker_host) as client:
            containers = of_stack(client, self.place.settings.stack, COMPONENT_LABEL, ended=True)
            by_id = {one.id: one for one in containers}
            images = {image: _image(client, image) for image in {one.attrs["Image"] for one in containers}}

            def digests(document: Document, wanted: Deployed) -> tuple[Mapping[str, str], Mapping[str, str]]:
                of, one = self._container(wanted.component), by_id[document["Id"]]
                return self._digests(one, of.files, wanted.files), self._digests(one, of.live_files, wanted.live_files)

            return found(self.wanted, (one.attrs for one in containers), digests, images, datetime.now(UTC))

    def remove(self, component: str, name: str) -> None:
        with self._containers(component) as containers:
            for one in containers:
                if name in {"", one.name}:
                    one.remove(v=True, force=True)  # the volumes without a name: none has data

    def resume(self, component: str) -> None:
        with self._containers(component) as containers:
            for one in containers:
                one.unpause()

    def redo(self, component: str) -> None:
        """By way of `pulumi up`, which knows what it needs, and waits for it and for the cluster."""
        jobs = self._of("docker:Job")
        if component in jobs:
            run_once(dict(jobs[component]))
        else:
            self.remove(component, "")
            workspace.ask_pulumi("up", "--yes", "--skip-preview", "--suppress-outputs", "-s", self.place.settings.stack)

    def rewrite(self, component: str) -> None:
        for properties in self._of("docker:GatewayConfig").values() if component == "kong" else ():
            hand_out(dict(properties))

    @cached_property
    def _at_the_engine(self) -> Place:
        """With the names of the containers that others call."""
        with self._containers() as containers:
            names = {one.labels[COMPONENT_LABEL]: one.name for one in containers}
        rolled = {component: name for component, name in names.items() if self.place.rolled(component)}
        return replace(self.place, hosts=rolled)

    @contextmanager
    def _containers(self, component: str = "") -> Iterator[list[Any]]:
        with engine(self.place.settings.docker_host) as client:
            yield of_stack(client, self.place.settings.stack, COMPONENT_LABEL, component, ended=True)

    def _container(self, component: str) -> Container:
        return container(self._at_the_engine, component)

    def _only_file(self, component: str) -> str:
        (content,) = self._container(component).files(self.secrets).values()
        return content

    def _digests(self, one: Any, files: Files, wanted: Mapping[str, str]) -> dict[str, str]:
        """The digests of the files that there are, as without secrets where they hold what they are to hold."""
        there = {path: (_read(one, path), content) for path, content in files(self.secrets).items()}
        return {
            path: wanted[path] if has == content else digest(has)
            for path, (has, content) in there.items()
            if has is not None
        }

    def _of(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {name: properties for (of, name), properties in self.state.items() if of == RESOURCE + kind}


def _image(client: Any, identifier: str) -> Document:
    try:
        document: Document = client.images.get(identifier).attrs
    except NotFound:  # removed by force, under the container
        return {}
    return document


def _read(one: Any, path: str) -> str | None:
    """A file of a container's; None where it is not there."""
    try:
        chunks, _ = one.get_archive(path)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        (member,) = tar.getmembers()
        file = tar.extractfile(member)
        return file.read().decode(errors="replace") if file else None
