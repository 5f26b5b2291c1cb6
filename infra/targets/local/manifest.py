"""What a stack of the local target is to consist of, as plain data without secrets."""

from infra.manifest import Deployed, Manifest, Published
from infra.qdrant.steps import factors_for
from infra.settings import Settings
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import HOST, Stack, program
from infra.targets.secrets import file_digests
from infra.targets.services import needs_of
from infra.topology import Component, Topology


def wanted(topology: Topology, settings: Settings) -> Manifest:
    """Every component as this machine would run it; raises MissingProgramError where it has no program for one."""
    stack = Stack(topology, settings, StackPaths.of(settings.stack))
    components = tuple(_deployed(stack, topology.component(name)) for name in topology.start_order)
    return Manifest(settings.stack, "local", components, factors_for(settings.qdrant_nodes))


def _deployed(stack: Stack, component: Component) -> Deployed:
    runs, check = program(stack, component), component.health
    job = check.kind == "completed"

    return Deployed(
        component.name,
        runs=f"{runs.implementation.name} {runs.implementation.version}",
        command=runs.command,
        strategy="run" if job else "stop-first",
        environment=runs.environment,
        files=file_digests(runs.files, stack.settings),
        live_files=file_digests(runs.live_files, stack.settings),
        source=runs.source,
        health=(check.kind,) if job else (check.kind, str(component.port(check.port).host), check.path),
        ports=tuple(Published(HOST, port.host, port.host) for port in component.ports if port.name not in runs.unbound),
        networks=("host",),
        volumes={str(stack.paths.volume(volume.name)): volume.name for volume in component.volumes},
        after=needs_of(stack, component.name),
        restarts=not job,
        stateful=component.stateful,
    )
