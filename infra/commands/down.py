"""Stop the stack and everything that belongs to it; the data stays.

The data of the vector nodes and the database, and the logs, stay below the data directory
(.breakwater/STACK/data and /logs) for the next `up`. --purge deletes them too.
"""

import argparse
import shutil

from infra import workspace
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much goes."""
    parser.add_argument("--purge", action="store_true", help="delete the stack's data, logs and state as well")


def run(parsed: argparse.Namespace) -> int:
    """Destroy the stack's resources; does nothing where there is none."""
    if not workspace.exists(parsed.stack):
        print(f"there is no stack {parsed.stack}; nothing to do")
        return 0
    with workspace.stack(parsed.stack):
        status = workspace.pulumi("destroy", "--yes", "--skip-preview", "-s", parsed.stack)
        if status:
            return status
        paths = StackPaths.of(parsed.stack)
        supervisor.stop(paths)  # also what a killed `up` started and Pulumi does not know of
        if parsed.purge:
            workspace.ask_pulumi("stack", "rm", "--yes", "--preserve-config", parsed.stack)
            shutil.rmtree(paths.root, ignore_errors=True)
    print(f"stack {parsed.stack} is down" + ("" if parsed.purge else f"; its data stays in {paths.root}"))
    return 0
