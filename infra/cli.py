"""The `breakwater` command: what the make targets call."""

import argparse
import sys

from infra.bundle import BundleError
from infra.commands import (
    ask,
    bundle,
    cluster,
    down,
    drift,
    env,
    images,
    logs,
    plan,
    policy,
    replicas,
    rotate,
    schema,
    status,
    token,
    up,
)
from infra.gateway.tokens import TokenError
from infra.plan.steps import PlanError
from infra.policy.rules import PolicyError
from infra.qdrant.node import NodeError
from infra.qdrant.steps import SwitchError
from infra.rotation import RotationError
from infra.settings import SettingsError
from infra.targets.docker.builder import ImagesError
from infra.targets.docker.engine import EngineError
from infra.targets.local.implementations import MissingProgramError
from infra.topology import TopologyError
from infra.wheels import WheelError
from infra.workspace import WorkspaceError

COMMANDS = {
    "up": up,
    "down": down,
    "plan": plan,
    "policy": policy,
    "status": status,
    "logs": logs,
    "ask": ask,
    "token": token,
    "cluster": cluster,
    "replicas": replicas,
    "rotate": rotate,
    "drift": drift,
    "schema": schema,
    "images": images,
    "bundle": bundle,
    "env": env,
}
EXPECTED = (
    WorkspaceError,
    SettingsError,
    TopologyError,
    MissingProgramError,
    PolicyError,
    PlanError,
    TokenError,
    RotationError,
    NodeError,
    SwitchError,
    ImagesError,
    EngineError,
    BundleError,
    WheelError,
    ask.AskError,
    schema.SchemaError,
)


def parser() -> argparse.ArgumentParser:
    """Of all commands."""
    parser = argparse.ArgumentParser(prog="breakwater", description="Run, and look at, a Breakwater stack.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = (module.__doc__ or "").strip()
        command = commands.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--stack", default="local", help="the Pulumi stack (default: local)")
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main() -> None:
    """Run one command; exits with 0 if it did what it says, 1 with the reason if not, 2 for wrong arguments."""
    parsed = parser().parse_args()
    try:
        sys.exit(parsed.run(parsed))
    except EXPECTED as error:
        sys.exit(f"breakwater: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
