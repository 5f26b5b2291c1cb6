"""What a stack of the docker target is to consist of, as plain data without secrets."""

import json
from dataclasses import asdict, replace

from infra.manifest import Deployed, Manifest, digest, placeholder_secrets
from infra.qdrant.steps import factors_for
from infra.settings import Settings
from infra.targets.docker.container import Container
from infra.targets.docker.containers import container
from infra.targets.docker.place import Place
from infra.targets.secrets import file_digests, secret_names
from infra.targets.services import no_files
from infra.topology import Topology


def wanted(topology: Topology, settings: Settings) -> Manifest:
    """Every component as it is to run in a container."""
    return of_place(Place(topology, settings))


def of_place(place: Place) -> Manifest:
    """The same for components that find each other there."""
    components = tuple(deployed(place, container(place, name)) for name in place.topology.start_order)
    return Manifest(place.settings.stack, "docker", components, factors_for(place.settings.qdrant_nodes))


def deployed(place: Place, one: Container) -> Deployed:
    """A container as the manifest has it."""
    return Deployed(
        one.component,
        runs=one.image,
        command=(*one.entrypoint, *one.command),
        strategy=one.strategy,
        environment=one.environment,
        files=file_digests(one.files, place.settings),
        live_files=file_digests(one.live_files, place.settings),
        limits=one.limits,
        health=one.check.command if one.check else ("completed",),
        ports=one.published,
        networks=one.networks,
        volumes=one.folders | {volume.path: volume.name for volume in (*one.volumes, *one.read_volumes)},
        after=one.after,
        user=one.user,
        read_only=one.read_only,
        capabilities=one.capabilities,
        restarts=not one.job,
        stateful=place.topology.component(one.component).stateful,
    )


def spec(place: Place, one: Container) -> str:
    """A digest of all that takes a new container when it changes; its label `breakwater.spec`."""
    rendered = one.files(placeholder_secrets(secret_names(place.settings)))
    told = asdict(replace(one, files=no_files, live_files=no_files, after=(), check=None))
    told |= {"files": rendered, "live_files": {}, "check": asdict(one.check) if one.check else None}
    return digest(json.dumps(told, sort_keys=True))
