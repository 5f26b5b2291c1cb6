"""What has to hold before an update goes on, looked at in every `up`: containers are healthy, the cluster agrees."""

import time
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from infra.targets.docker.engine import COMPONENT_LABEL, IMAGE_LABEL, SPEC_LABEL, engine, health, of_stack
from infra.targets.docker.once import ONCE_KEYS, run_once
from infra.targets.dynamic import LookProvider, Props

RECOVER_S = 15.0  # for a container that is not healthy any more; three checks
POLL_S = 0.5


class UnhealthyError(RuntimeError):
    """A container is not healthy; the message has what its check said last."""


class HealthyProvider(LookProvider):
    """That a container is healthy. The provider waits for it only once, when it makes the container."""

    keys = ("container", "name")

    def look(self, props: Props) -> None:
        with engine(props["dockerHost"]) as client:
            container = client.containers.get(props["container"])
            started = time.monotonic()
            while (found := health(container)) != "healthy":
                patience_s = float(props["seconds"]) if found == "starting" else RECOVER_S
                if time.monotonic() - started > patience_s:
                    raise UnhealthyError(_words(props, container, found))
                time.sleep(POLL_S)
                container.reload()


def _words(props: Props, container: Any, found: str) -> str:
    checks = (container.attrs["State"].get("Health") or {}).get("Log") or [{}]
    said = " ".join(str(checks[-1].get("Output", "")).split())[-500:]
    component, stack = container.labels[COMPONENT_LABEL], props["stack"]
    return (
        f"{container.name} is {found}: {said or 'its check says nothing'}. Nothing that needs it is touched, and what "
        f"it was to replace stays. `breakwater logs --stack {stack} {component}` may tell why; put it right, and run "
        "this again"
    )


class AgreementProvider(LookProvider):
    """That the vector nodes agree, by a job that asks them."""

    keys: tuple[str, ...] = ONCE_KEYS

    def look(self, props: Props) -> None:
        run_once(props)


class ReplacementProvider(AgreementProvider):
    """That the other vector nodes agree, if this one is about to be replaced; so one that is broken can be."""

    keys = (*ONCE_KEYS, "node", "spec", "nodeImageId")

    def look(self, props: Props) -> None:
        with engine(props["dockerHost"]) as client:
            found = of_stack(client, props["stack"], COMPONENT_LABEL, props["node"], ended=True)
            replaced = [one for one in found if not _stays(one, props)]
        if replaced:
            super().look(props)


def _stays(container: Any, props: Props) -> bool:
    wanted = {SPEC_LABEL: props["spec"], IMAGE_LABEL: props["nodeImageId"]}
    return bool(container.status == "running" and container.labels.items() >= wanted.items())


class Healthy(Resource, module="docker", name="Healthy"):
    """A container that has to be healthy before an update goes on to what needs it."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(HealthyProvider(), name, {**props, "name": name, "held": None}, opts)


class Agreement(Resource, module="docker", name="Agreement"):
    """A cluster that has to agree before an update goes on."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(AgreementProvider(), name, {**props, "held": None}, opts)


class Replacement(Resource, module="docker", name="Replacement"):
    """A vector node that may be replaced only while the others agree."""

    def __init__(self, name: str, props: Props, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ReplacementProvider(), name, {**props, "held": None}, opts)
