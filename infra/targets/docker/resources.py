"""The containers' data as resources of pulumi_docker: a container, and what it needs of images, networks and volumes.

The provider takes some changes and does nothing about them (a health check, tmpfs), and waits for health only when it
creates. So every change replaces the container, as does a wait that failed before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pulumi
import pulumi_docker as docker

from infra.manifest import placeholder_secrets
from infra.targets.docker.container import SLOWER, Check, Container
from infra.targets.docker.engine import COMPONENT_LABEL, FILES_LABEL, IMAGE_LABEL, SPEC_LABEL, STACK_LABEL
from infra.targets.docker.manifest import spec
from infra.targets.docker.place import Place
from infra.targets.secrets import secret_names
from infra.targets.services import Files, Secrets
from infra.topology import Volume

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    # Everybody is in it, and nothing leads out of it or into it.
    "internal": {"internal": True},
    # Leads in, for what is published, and not out: nobody answers to an address that stays what it is in here.
    "edge": {"options": {"com.docker.network.bridge.enable_ip_masquerade": "false"}},
    # Leads out, for what pulls models.
    "egress": {},
}


@dataclass
class Resources:
    """What of a stack is declared so far."""

    place: Place
    provider: docker.Provider
    secrets: pulumi.Output[Secrets]
    gpu: bool
    holder: str  # the image of what holds files: one that is there anyway
    images: dict[str, docker.RemoteImage] = field(default_factory=dict)
    networks: dict[str, docker.Network] = field(default_factory=dict)
    volumes: dict[str, docker.Volume] = field(default_factory=dict)
    containers: dict[str, docker.Container] = field(default_factory=dict)

    def options(self, **options: Any) -> pulumi.ResourceOptions:
        """Options with this stack's engine."""
        return pulumi.ResourceOptions(provider=self.provider, **options)

    def image(self, name: str) -> docker.RemoteImage:
        """The image of that name at the engine: pulled where it is not there, and never removed."""
        if name not in self.images:
            made = docker.RemoteImage(name, name=name, keep_locally=True, opts=self.options())
            self.images[name] = made
        return self.images[name]

    def network(self, name: str) -> docker.Network:
        """One of the stack's networks."""
        if name not in self.networks:
            physical = self.place.physical(name)
            self.networks[name] = docker.Network(
                physical,
                name=physical,
                driver="bridge",
                labels=[docker.NetworkLabelArgs(label=STACK_LABEL, value=self.place.settings.stack)],
                # The engine may add some of its own; those that are given here never change.
                opts=self.options(delete_before_replace=True, ignore_changes=["options"]),
                **NETWORKS[name],
            )
        return self.networks[name]

    def volume(self, volume: Volume, *, data: bool) -> docker.Volume:
        """A volume; where it has data, nothing that Pulumi does removes it."""
        if volume.name not in self.volumes:
            physical = self.place.physical(volume.name)
            self.volumes[volume.name] = docker.Volume(
                physical,
                name=physical,
                labels=[docker.VolumeLabelArgs(label=STACK_LABEL, value=self.place.settings.stack)],
                opts=self.options(protect=data, retain_on_delete=data),
            )
        return self.volumes[volume.name]

    def container(
        self, one: Container, environment: pulumi.Input[Mapping[str, str]], after: Sequence[pulumi.Resource]
    ) -> docker.Container:
        """A container that runs, healthy; its name at the engine is another each time that it is replaced."""
        networks = [
            docker.ContainerNetworksAdvancedArgs(
                name=self.network(name).name, aliases=[one.component] if name == "internal" else None
            )
            for name in one.networks
        ]
        labels: dict[str, pulumi.Input[str]] = {
            STACK_LABEL: self.place.settings.stack,
            COMPONENT_LABEL: one.component,
            SPEC_LABEL: spec(self.place, one),
            IMAGE_LABEL: self.image(one.image).image_id,  # one that is built again has the name that it had
        }
        made = docker.Container(
            self.place.physical(one.component),
            arguments(
                one,
                networks_advanced=networks,
                volumes=self._mounted(one),
                envs=pulumi.Output.from_input(environment).apply(_variables),
                labels=_labels(labels),
                device_requests=[_ALL_GPUS] if one.gpu and self.gpu else None,
            ),
            self.options(
                depends_on=after,
                delete_before_replace=one.strategy != "create-first",
                replace_on_changes=["*"],
            ),
        )
        self.containers[one.component] = made
        return made

    def _mounted(self, one: Container) -> list[docker.ContainerVolumeArgs]:
        mounted = [
            docker.ContainerVolumeArgs(
                container_path=volume.path, volume_name=self.volume(volume, data=data).name, read_only=not data
            )
            for volumes, data in ((one.volumes, True), (one.read_volumes, False))
            for volume in volumes
        ]
        mounted += [
            docker.ContainerVolumeArgs(container_path=path, host_path=folder, read_only=True)
            for path, folder in one.folders.items()
        ]
        if self._paths(one.files):
            holder = self._holder(one).id.apply(lambda identifier: f"{identifier}:ro")
            mounted.append(docker.ContainerVolumeArgs(from_container=holder))
        return mounted

    def _holder(self, one: Container) -> docker.Container:
        """What holds the files of a container, since none can be put into one whose root is read-only."""
        return docker.Container(
            self.place.physical(f"{one.component}-files"),
            image=self.holder,
            command=["true"],
            start=False,
            must_run=False,
            network_mode="none",
            restart="no",
            volumes=[docker.ContainerVolumeArgs(container_path=path) for path in folders(self._paths(one.files))],
            uploads=[
                docker.ContainerUploadArgs(file=path, content=content, permissions="0444")
                for path, content in self.contents(one.files).items()
            ],
            labels=_labels({STACK_LABEL: self.place.settings.stack, FILES_LABEL: one.component}),
            remove_volumes=True,
            opts=self.options(
                depends_on=[self.image(self.holder)],
                delete_before_replace=False,
                replace_on_changes=["*"],
                ignore_changes=["image"],  # whose only part is to be there; another release is no other file
            ),
        )

    def _paths(self, files: Files) -> tuple[str, ...]:
        return tuple(sorted(files(placeholder_secrets(secret_names(self.place.settings)))))

    def contents(self, files: Files) -> dict[str, pulumi.Input[str]]:
        """The files with the stack's secrets in them; those without any are readable in Pulumi's state."""
        names = secret_names(self.place.settings)
        one, other = (files({name: (mark + name,) for name in names}) for mark in ("", "another "))

        def content(path: str) -> pulumi.Input[str]:
            if one[path] == other[path]:
                return one[path]
            return self.secrets.apply(lambda secrets: files(secrets)[path])

        return {path: content(path) for path in sorted(one)}


_ALL_GPUS = docker.ContainerDeviceRequestArgs(driver="nvidia", count=-1, capabilities=["gpu"])


def arguments(one: Container, **of_stack: Any) -> docker.ContainerArgs:
    """All that Docker is told of a container; `of_stack` is what other resources have a part in."""
    assert one.check  # a job is no resource of Docker's
    ulimits = [docker.ContainerUlimitArgs(name="nofile", soft=one.open_files, hard=one.open_files)]
    ports = [
        docker.ContainerPortArgs(internal=port.inner, external=port.host, ip=port.address, protocol="tcp")
        for port in sorted(one.published, key=lambda port: port.inner)  # as the provider reads them
    ]
    return docker.ContainerArgs(
        image=one.image,
        user=one.user or None,
        entrypoints=one.entrypoint or None,
        command=one.command or None,
        healthcheck=_healthcheck(one.check),
        wait=True,
        wait_timeout=SLOWER * one.check.start_s,
        restart="unless-stopped",
        must_run=True,
        ports=ports or None,
        memory=one.limits.memory_mb,
        memory_swap=one.limits.memory_mb,  # together with the memory: no swap
        cpus=str(float(one.limits.cpus)),  # as the provider reads it
        shm_size=one.shared_memory_mb or None,
        ulimits=ulimits if one.open_files else None,
        read_only=one.read_only,
        tmpfs=one.tmpfs or None,
        security_opts=["no-new-privileges:true"],
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"], adds=one.capabilities or None),
        init=one.init,
        stop_signal=one.stop_signal,
        stop_timeout=one.stop_s,  # when the engine itself stops it
        destroy_grace_seconds=one.stop_s,  # when Pulumi does; without it, a kill
        log_driver="json-file",
        log_opts={"max-size": "10m", "max-file": "3"},
        remove_volumes=True,  # those without a name
        **of_stack,
    )


def _healthcheck(check: Check) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=check.command,
        interval=duration(check.interval_s),
        timeout=duration(check.timeout_s),
        start_period=duration(SLOWER * check.start_s),
        retries=check.retries,
    )


def duration(seconds: int) -> str:
    """Seconds as Go writes them, which is how the provider reads them: `1m30s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest}s"


def folders(paths: Sequence[str]) -> list[str]:
    """The folders that hold the files, without those inside another."""
    parents = {PurePosixPath(path).parent for path in paths}
    return sorted(str(one) for one in parents if not any(other in one.parents for other in parents))


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(environment.items())]


def _labels(labels: Mapping[str, pulumi.Input[str]]) -> list[docker.ContainerLabelArgs]:
    return [docker.ContainerLabelArgs(label=label, value=value) for label, value in labels.items()]
