"""Rules about what a stack may take of a machine, and how it outlives failures."""

from collections.abc import Iterator

from infra.manifest import Deployed
from infra.policy.rule import THE_STACK, Case, Complaint
from infra.qdrant.steps import factors_for
from infra.topology import BUDGET_CPUS, BUDGET_MEMORY_MB, QDRANT_NODES


def budget(case: Case) -> Iterator[Complaint]:
    """All limits together are below the design's."""
    memory = {name: float(limits.memory_mb) for name, limits in case.limits.items()}
    surges = {component.name for component in case.topology.components if not component.counts_cpus}
    cpus = {name: limits.cpus for name, limits in case.limits.items() if name not in surges}
    for unit, most, wanted in (("MiB of memory", BUDGET_MEMORY_MB, memory), ("CPUs", BUDGET_CPUS, cpus)):
        total = sum(wanted.values())
        if total >= most:
            largest = max(wanted, key=lambda name: wanted[name])
            yield (
                THE_STACK,
                f"the limits add up to {total:,g} {unit} and have to stay below {most:,g}",
                f"lower some in infra/topology.py; the largest is {largest} with {wanted[largest]:,g}",
            )


def limits(case: Case) -> Iterator[Complaint]:
    """Every container has limits."""
    for one in case.manifest.components:
        if not one.limits or one.limits.memory_mb <= 0 or one.limits.cpus <= 0:
            missing = "memory and CPUs" if not one.limits else "memory" if one.limits.memory_mb <= 0 else "CPUs"
            yield one.component, f"it has no limit of {missing}", "give it the limits of infra/topology.py"


def health(case: Case) -> Iterator[Complaint]:
    """Every component has a health check; a job's is that it ends well."""
    for one in case.manifest.components:
        if one.strategy != "run" and one.health in ((), ("NONE",)):
            yield one.component, "it has no health check", "give it the check of infra/topology.py"


def replication(case: Case) -> Iterator[Complaint]:
    """Every point is on every node, and a majority acknowledges a write: 3 and 2 of three nodes."""
    nodes = sum(one.component in QDRANT_NODES for one in case.manifest.components)
    if case.manifest.replication != factors_for(nodes):
        copies, acknowledged = case.manifest.replication
        good = "{} and {}".format(*factors_for(nodes))
        yield (
            THE_STACK,
            f"a point is on {copies} of {nodes} vector nodes and {acknowledged} acknowledge a write",
            f"make it {good}: see `breakwater cluster`",
        )


def volumes(case: Case) -> Iterator[Complaint]:
    """What keeps data has a volume for it."""
    for one in case.manifest.components:
        if _keeps_data(case, one) and not one.volumes:
            yield one.component, "it keeps data, and not on a volume", "mount the volumes of infra/topology.py"


def strategies(case: Case) -> Iterator[Complaint]:
    """What keeps data never runs twice on it."""
    for one in case.manifest.components:
        if _keeps_data(case, one) and one.strategy == "create-first":
            yield (
                one.component,
                "a new one would start on the data that the old one still writes",
                "replace it stop-first",
            )


def _keeps_data(case: Case, one: Deployed) -> bool:
    design = case.topology.by_name.get(one.component)
    return one.stateful or bool(design and design.stateful)


def restarts(case: Case) -> Iterator[Complaint]:
    """Everything but jobs is started again when it ends."""
    for one in case.manifest.components:
        if one.strategy == "run" and one.restarts:
            yield one.component, "it is a job, and started again when it is done", "turn its restarts off"
        elif one.strategy != "run" and not one.restarts:
            yield one.component, "it stays away when it ends", "have it restarted unless it is stopped"
