"""What a stack of the docker target is to consist of, as plain data without secrets."""

from infra.manifest import Deployed, Manifest, digest, placeholder_secrets
from infra.qdrant.steps import factors_for
from infra.settings import Settings
from infra.targets.docker.container import Container
from infra.targets.docker.containers import container
from infra.targets.docker.place import Place
from infra.targets.secrets import secret_names
from infra.topology import Topology


def wanted(topology: Topology, settings: Settings) -> Manifest:
    """Every component as it is to run in a container."""
    place = Place(topology, settings)
    components = tuple(_deployed(place, container(place, name)) for name in topology.start_order)
    return Manifest(settings.stack, "docker", components, factors_for(settings.qdrant_nodes))


def _deployed(place: Place, one: Container) -> Deployed:
    files = one.files(placeholder_secrets(secret_names(place.settings)))
    return Deployed(
        one.component,
        runs=one.image,
        command=(*one.entrypoint, *one.command),
        strategy=one.strategy,
        environment=one.environment,
        files={path: digest(content) for path, content in files.items()},
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
