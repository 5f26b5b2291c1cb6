"""The topology as containers of a Docker engine, each a Pulumi resource."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_docker as docker

from infra.secret import Step
from infra.settings import Settings
from infra.targets.docker.container import SLOWER, Container
from infra.targets.docker.containers import GATEWAY_CONFIG, container, formed, jobs_image, others_agree
from infra.targets.docker.engine import has_gpu
from infra.targets.docker.gates import Agreement, Healthy, Replacement
from infra.targets.docker.gateway_config import GatewayConfig
from infra.targets.docker.manifest import spec, wanted
from infra.targets.docker.once import Job
from infra.targets.docker.place import LOOPBACK, Place, host_of
from infra.targets.docker.resources import Resources
from infra.targets.dynamic import Props
from infra.targets.secret_resource import Secret
from infra.targets.secrets import secret_names
from infra.targets.services import Secrets, qdrant_nodes
from infra.topology import OBSERVABILITY, Topology

AGREE_S = 120
"""How long the cluster may take to agree: a node that was replaced has everything again after seconds, as a rule."""


def deploy(topology: Topology, settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare every component of `topology` as a resource; returns the stack's outputs.

    Nothing is touched before what it needs was seen to be healthy. What keeps data is declared one after the other, so
    that no two of them are ever replaced at a time, and a vector node is replaced only while the others agree.

    Args:
        steps: the step to take with a secret, by its name; a rotation asks for them.
    """
    place = Place(topology, settings)
    secrets = {name: Secret(name, steps.get(name)) for name in secret_names(settings)}
    accepted: pulumi.Output[Secrets] = pulumi.Output.all(**{name: secret.accepted for name, secret in secrets.items()})
    resources = Resources(
        place,
        docker.Provider("docker", host=settings.docker_host or None),
        accepted,
        gpu=settings.gpu == "all" or (settings.gpu == "auto" and has_gpu(settings.docker_host)),
        holder=jobs_image(place),
    )
    ready: dict[str, list[pulumi.Resource]] = {}  # what has to be there before whoever needs the component
    data: list[pulumi.Resource] = []  # of the last one that keeps any
    # What only watches comes last: nothing waits for it.
    for name in sorted(topology.start_order, key=lambda name: name in OBSERVABILITY):
        component, one = topology.component(name), container(place, name)
        needs = [resource for need in one.after for resource in ready[need]]
        seconds = SLOWER * component.health.start_s
        if one.job:
            ready[name] = [Job(name, _once(resources, one, seconds), pulumi.ResourceOptions(depends_on=needs))]
            continue
        if one.read_volumes:
            needs.append(_gateway_config(resources, one, needs))
        if component.stateful:
            needs += data
        needs += _replaceable(resources, one, needs)
        made = resources.container(one, _environment(resources, one), needs)
        ready[name] = [made, _healthy(resources, made, name, seconds)]
        if name == qdrant_nodes(place)[-1]:
            looked = _once(resources, formed(place), AGREE_S)
            ready[name].append(Agreement("cluster-formed", looked, pulumi.ResourceOptions(depends_on=[*ready[name]])))
        if component.stateful:
            data = ready[name]
    in_use: pulumi.Output[dict[str, str]] = pulumi.Output.all(
        **{name: secret.value for name, secret in secrets.items()}
    )
    # Only once all is there: a deployment that fails leaves the manifest of the one before.
    done = pulumi.Output.all(*(resource.urn for several in ready.values() for resource in several))
    manifest = done.apply(lambda _: wanted(topology, settings).to_json())
    return outputs(topology, settings) | {"secrets": in_use, "manifest": manifest}


def outputs(topology: Topology, settings: Settings) -> dict[str, Any]:
    """Where the components are published, and what a person or a test has to know to use the stack."""
    published = {port.host for one in wanted(topology, settings).components for port in one.ports}
    ports = {f"{c.name}/{p.name}": p.host for c in topology.components for p in c.ports if p.host in published}
    return {
        "gateway": f"http://{host_of(settings.docker_host)}:{ports['kong/http']}",
        "ports": ports,
        "consumers": list(settings.consumers),
        "target": "docker",
    }


def _hosts(resources: Resources, component: str) -> pulumi.Output[dict[str, str]]:
    """The name of the one container of each component that `component` calls and of which there may be two."""
    names = {called: resources.containers[called].name for called in resources.place.called(component)}
    return pulumi.Output.all(**names) if names else pulumi.Output.from_input({})


def _environment(resources: Resources, one: Container) -> pulumi.Input[Mapping[str, str]]:
    """Its variables; they are known only with the containers that it calls, where any says which."""
    place, name = resources.place, one.component

    def environment(hosts: Mapping[str, str]) -> Mapping[str, str]:
        return container(replace(place, hosts=hosts), name).environment

    others = environment({called: f"{called}-another" for called in place.called(name)})
    return one.environment if others == one.environment else _hosts(resources, name).apply(environment)


def _gateway_config(resources: Resources, one: Container, after: list[pulumi.Resource]) -> pulumi.Resource:
    place, name = resources.place, one.component
    settings, port = place.settings, place.topology.component(name).port("admin").host

    def config(known: Mapping[str, Any]) -> str:
        (text,) = container(replace(place, hosts=known["hosts"]), name).live_files(known["secrets"]).values()
        return text

    known = pulumi.Output.all(hosts=_hosts(resources, name), secrets=resources.secrets)
    properties = {
        "dockerHost": settings.docker_host,
        "stack": settings.stack,
        "image": resources.holder,
        "volume": resources.volume(GATEWAY_CONFIG, data=False).name,
        "admin": f"http://{LOOPBACK}:{port}",
        "config": known.apply(config),
    }
    image = resources.image(resources.holder)
    return GatewayConfig("gateway-config", properties, pulumi.ResourceOptions(depends_on=[*after, image]))


def _healthy(resources: Resources, made: docker.Container, name: str, seconds: int) -> pulumi.Resource:
    settings = resources.place.settings
    looked = {"dockerHost": settings.docker_host, "stack": settings.stack, "container": made.id, "seconds": seconds}
    return Healthy(f"{name}-healthy", looked, pulumi.ResourceOptions(depends_on=[made]))


def _replaceable(resources: Resources, one: Container, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
    """What comes before a vector node, where there are others."""
    place = resources.place
    asks = others_agree(place, one.component) if one.component in qdrant_nodes(place) else None
    if not asks:
        return []
    node = {
        "node": one.component,
        "spec": spec(place, one),
        "nodeImageId": resources.image(one.image).image_id,
    }
    looked = _once(resources, asks, AGREE_S) | node
    return [Replacement(asks.component, looked, pulumi.ResourceOptions(depends_on=[*after]))]


def _once(resources: Resources, one: Container, seconds: int) -> Props:
    settings = resources.place.settings
    (network,) = one.networks
    return {
        "dockerHost": settings.docker_host,
        "stack": settings.stack,
        "name": one.component,
        "image": one.image,
        "imageId": resources.image(one.image).image_id,
        "command": list(one.command),
        "files": resources.contents(one.files),
        "user": one.user,
        "network": resources.network(network).name,
        "tmpfs": dict(one.tmpfs),
        "memoryMb": one.limits.memory_mb,
        "cpus": one.limits.cpus,
        "seconds": seconds,
    }
