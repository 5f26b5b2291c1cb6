"""The topology as processes of this machine, each a Pulumi resource."""

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.secret import Step
from infra.settings import Settings
from infra.targets.local.manifest import wanted
from infra.targets.local.paths import StackPaths
from infra.targets.local.programs import HOST, Program, Stack, program
from infra.targets.local.resources import Job, Process, Supervisor
from infra.targets.secret_resource import Secret
from infra.targets.secrets import secret_names
from infra.targets.services import Secrets, needs_of
from infra.topology import Component, Topology


def deploy(topology: Topology, settings: Settings, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Declare every component of `topology` as a resource; returns the stack's outputs.

    Args:
        steps: the step to take with a secret, by its name; a rotation asks for them.
    """
    stack = Stack(topology, settings, StackPaths.of(settings.stack))
    secrets = {name: Secret(name, steps.get(name)) for name in secret_names(settings)}
    in_use: pulumi.Output[dict[str, str]] = pulumi.Output.all(
        **{name: secret.value for name, secret in secrets.items()}
    )
    accepted: pulumi.Output[Secrets] = pulumi.Output.all(**{name: secret.accepted for name, secret in secrets.items()})
    supervisor = Supervisor("supervisor", str(stack.paths.root))
    resources: dict[str, pulumi.Resource] = {}
    for name in topology.start_order:
        component = topology.component(name)
        needs = [resources[need] for need in needs_of(stack, name)]
        resource = Job if component.health.kind == "completed" else Process
        resources[name] = resource(
            name,
            _props(stack, component, program(stack, component), accepted),
            pulumi.ResourceOptions(depends_on=[supervisor, *needs]),
        )
    # Only once all is there: a deployment that fails leaves the manifest of the one before.
    done = pulumi.Output.all(*(resource.urn for resource in resources.values()))
    manifest = done.apply(lambda _: wanted(topology, settings).to_json())
    return outputs(stack) | {"secrets": in_use, "manifest": manifest}


def outputs(stack: Stack) -> dict[str, Any]:
    """Where the components listen, and what a person or a test has to know to use the stack."""
    bound = {port.host for one in wanted(stack.topology, stack.settings).components for port in one.ports}
    ports = {f"{c.name}/{p.name}": p.host for c in stack.topology.components for p in c.ports if p.host in bound}
    return {
        "gateway": f"http://{HOST}:{stack.port('kong')}",
        "ports": ports,
        "consumers": list(stack.settings.consumers),
        "root": str(stack.paths.root),
        "target": "local",
    }


def _props(stack: Stack, component: Component, runs: Program, secrets: pulumi.Output[Secrets]) -> dict[str, Any]:
    check = component.health
    port = 0 if check.kind == "completed" else component.port(check.port).host
    return {
        "root": str(stack.paths.root),
        "component": component.name,
        "command": list(runs.command),
        "environment": runs.environment,
        "files": secrets.apply(runs.files),
        "liveFiles": secrets.apply(runs.live_files),
        "health": {
            "kind": check.kind,
            "port": str(port),
            "path": check.path,
            "startSeconds": str(check.start_s),
        },
        "implementation": vars(runs.implementation),
        "stopSignal": runs.stop_signal,
        "source": runs.source,
    }
