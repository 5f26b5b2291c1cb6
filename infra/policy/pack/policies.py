"""Each rule as a policy of Pulumi's: about one container before it is made, or about all of them together."""

from collections.abc import Callable, Iterable

from pulumi_policy import (
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.manifest import Deployed, Manifest
from infra.policy.pack.containers import deployed, runs
from infra.policy.rule import Case, Rule
from infra.policy.rules import RULES
from infra.qdrant.steps import factors_for
from infra.stack_settings import stack_settings
from infra.targets.deployment import topology_of
from infra.targets.docker.engine import CONTAINER

TOGETHER = {"budget"}
"""The rules about all containers together; the others are about one each."""
NOT_THEIRS = {"replication"}
"""The rules about what no container tells."""


def policies() -> list[Policy]:
    """All rules that containers can keep or break."""
    theirs = [rule for rule in RULES if rule.name not in NOT_THEIRS]
    return [_of_stack(rule) if rule.name in TOGETHER else _of_container(rule) for rule in theirs]


def _of_container(rule: Rule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        _judge(rule, args.urn, [args], lambda says: report(says, None))

    return ResourceValidationPolicy(rule.name, rule.says, validate)


def _of_stack(rule: Rule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if args.resources:
            _judge(rule, args.resources[0].urn, args.resources, lambda says: report(says, None))

    return StackValidationPolicy(rule.name, rule.says, validate)


def _judge(
    rule: Rule,
    urn: str,
    resources: Iterable[ResourceValidationArgs | PolicyResource],
    report: Callable[[str], None],
) -> None:
    stack = urn.split(":")[2]
    settings = stack_settings(stack)
    topology = topology_of(settings)

    def one(resource: ResourceValidationArgs | PolicyResource) -> Deployed:
        create_first = resource.opts.delete_before_replace is False
        return deployed(resource.name, resource.props, topology, create_first=create_first)

    containers = tuple(one(each) for each in resources if each.resource_type == CONTAINER and runs(each.props))
    manifest = Manifest(stack, "docker", containers, factors_for(settings.qdrant_nodes))
    for component, says, repair in rule.check(Case(manifest, topology, settings)):
        report(f"{component or stack}: {says}; {repair}")
