"""The `breakwater` command: what the make targets call."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = (
    "up",
    "down",
    "plan",
    "policy",
    "status",
    "logs",
    "ask",
    "token",
    "cluster",
    "replicas",
    "rotate",
    "rollout",
    "rollouts",
    "drift",
    "schema",
    "images",
    "bundle",
    "env",
)
"""The modules of infra.commands. Only what is asked for is imported: all of them together take two seconds."""

EXPECTED = {
    "WorkspaceError": "infra.workspace",
    "SettingsError": "infra.settings",
    "TopologyError": "infra.topology",
    "MissingProgramError": "infra.targets.local.implementations",
    "PolicyError": "infra.policy.rules",
    "PlanError": "infra.plan.steps",
    "TokenError": "infra.gateway.tokens",
    "RotationError": "infra.rotation",
    "NodeError": "infra.qdrant.node",
    "SwitchError": "infra.qdrant.steps",
    "ImagesError": "infra.targets.docker.builder",
    "EngineError": "infra.targets.docker.engine",
    "BundleError": "infra.bundle",
    "WheelError": "infra.wheels",
    "AskError": "infra.commands.ask",
    "SchemaError": "infra.commands.schema",
    "ReleaseError": "infra.rollout.releases",
    "RolloutError": "infra.rollout.deployment",
    "StrategyError": "infra.rollout.strategies",
}
"""The errors whose words suffice for whoever called, with their modules."""


def parser(asked: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Of the command that is asked for, or of all where that is none of them."""
    parser = argparse.ArgumentParser(prog="breakwater", description="Run, and look at, a Breakwater stack.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in [name for name in COMMANDS if name in asked[:1]] or COMMANDS:
        module = import_module(f"infra.commands.{name}")
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


def is_expected(error: Exception) -> bool:
    """Whether its words are all that is to be shown."""
    return any(EXPECTED.get(kind.__name__) == kind.__module__ for kind in type(error).__mro__)


def main() -> None:
    """Run one command; exits with 0 if it did what it says, 1 with the reason if not, 2 for wrong arguments."""
    parsed = parser(sys.argv[1:]).parse_args()
    try:
        sys.exit(parsed.run(parsed))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if is_expected(error):
            sys.exit(f"breakwater: {error}")
        raise


if __name__ == "__main__":
    main()
