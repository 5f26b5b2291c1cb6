"""Whether a stack may have a rollout: asked before anything is done, for all of what it will come to.

Every strategy, for whichever services, starts processes at two stages: a candidate of each service, and, when it is
promoted, each service again in the new release. All between them is weights, and what comes after ends processes.
"""

from collections.abc import Iterator
from dataclasses import replace

from infra.commands.images import images
from infra.plan.steps import PlanError, plan
from infra.policy.rules import PolicyError, hold
from infra.rollout import releases
from infra.rollout.deployment import Desired, RolloutError, said_of
from infra.rollout.stages import ALL, NONE
from infra.settings import Settings
from infra.targets.deployment import topology_of, wanted
from infra.targets.docker.engine import engine, has_image
from infra.targets.docker.place import LOOPBACK, Place, host_of
from infra.topology import RELEASED, TopologyError, topology


def admit(settings: Settings, release: str) -> None:
    """Raise RolloutError, or ReleaseError or EngineError, where a stack with these settings cannot have the release."""
    releases.find(settings.release)  # by which the migrations are taken back
    complaints = list(_of_stages(settings, release))
    if settings.target == "docker":
        complaints += _of_containers(settings, release)
    if complaints:
        told = "\n  ".join(complaints)
        raise RolloutError(f"the rollout cannot begin:\n  {told}\nWhen that is done, `make up`, and roll out again")


def _of_stages(settings: Settings, release: str) -> Iterator[str]:
    """What `up` would refuse."""
    before = wanted(settings)
    for stage in (Desired(settings.release, release, NONE), Desired(release, release, ALL)):
        weights = dict(stage.weights)
        then = replace(settings, release=stage.release, candidate=stage.candidate, candidate_weights=weights)
        try:
            after = wanted(then)
            hold(after, topology_of(then), then)
            plan(before, after).allow()
        except (TopologyError, PolicyError, PlanError) as error:
            yield f"there is to be {said_of(stage)}; {error}"
            return
        before = after


def _of_containers(settings: Settings, release: str) -> Iterator[str]:
    """What `up` does not see, and would stop the rollout on its way."""
    if (host := host_of(settings.docker_host)) != LOOPBACK:
        yield f"it asks database and services at ports of this machine, and the engine is on {host}; roll out there"
    if [service for service in RELEASED if Place(topology(), settings).rolled(service)]:
        names = ", ".join(f'"{service}"' for service in RELEASED)
        yield (
            "it looks at each service at a port of the machine, and what is replaced without a gap has none; "
            f"set stopFirst: [{names}]"
        )
    # With a registry, images may come from there when they are needed.
    new = [] if settings.registry else [image.name for image in images(replace(settings, release=release))]
    with engine(settings.docker_host) as client:
        if missing := [name for name in new if not has_image(client, name)]:
            yield f"the engine has no {', '.join(missing)}; in the release's checkout: make images RELEASE={release}"
