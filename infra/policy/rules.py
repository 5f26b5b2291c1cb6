"""All rules, and what holds a stack to them before anything is touched."""

from infra.manifest import Manifest
from infra.policy import images, isolation, reliability
from infra.policy.rule import Case, Rule, Violation
from infra.policy.secrets import secrets
from infra.settings import Settings
from infra.topology import Topology

RULES = (
    Rule("budget", "all limits add up to less than 16 GiB of memory and 8 CPUs", reliability.budget),
    Rule("limits", "every container has limits of memory and CPUs", reliability.limits, processes=False),
    Rule("health", "every component has a health check", reliability.health),
    Rule("versions", "every image is pinned to a version", images.versions, processes=False),
    Rule("digests", "every image is pinned to a digest, if requireDigests is on", images.digests, processes=False),
    Rule("registries", "every image is from one of `registries`, if any are named", images.registries, processes=False),
    Rule("privileges", "no container is privileged", isolation.privileges, processes=False),
    Rule("networks", "no container is on the machine's own network", isolation.networks, processes=False),
    Rule("capabilities", "no capability is added without a reason", isolation.capabilities, processes=False),
    Rule("users", "no container runs as root without a reason", isolation.users, processes=False),
    Rule("secrets", "no secret is in an environment or a command", secrets),
    Rule("ports", "only the design's ports, and all but the gateway's on 127.0.0.1", isolation.ports),
    Rule("replication", "every vector node has all points; a majority acknowledges writes", reliability.replication),
    Rule("volumes", "everything that keeps data has a volume for it", reliability.volumes),
    Rule("strategies", "nothing that keeps data runs twice on it", reliability.strategies),
    Rule("restarts", "everything but jobs starts again when it ends", reliability.restarts),
)


class PolicyError(RuntimeError):
    """A stack would break rules; the message names each with its repair."""


def violations(manifest: Manifest, topology: Topology, settings: Settings) -> list[Violation]:
    """Everything by which the stack contradicts a rule that concerns its target."""
    case = Case(manifest, topology, settings)
    concerning = [rule for rule in RULES if rule.concerns(case)]
    return [Violation(rule.name, *complaint) for rule in concerning for complaint in rule.check(case)]


def hold(manifest: Manifest, topology: Topology, settings: Settings) -> None:
    """Raise PolicyError unless the stack keeps all rules."""
    if found := violations(manifest, topology, settings):
        raise PolicyError(f"{manifest.stack} breaks rules, so nothing was touched:\n  " + "\n  ".join(map(str, found)))
