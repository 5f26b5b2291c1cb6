"""Stop the stack and everything that belongs to it; the data stays.

The data of the vector nodes and the database stay for the next `up`: below the data directory
(.breakwater/STACK/data, and the logs in /logs), or in the stack's volumes at its Docker engine.
--purge deletes them too, with the records of the stack's rollouts.
"""

import argparse
import shutil

from infra import workspace
from infra.rollout.state import rollouts_folder
from infra.stack_settings import stack_settings
from infra.targets.docker import running
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths


def arguments(parser: argparse.ArgumentParser) -> None:
    """How much goes."""
    parser.add_argument("--purge", action="store_true", help="delete the stack's data, logs and state as well")


def run(parsed: argparse.Namespace) -> int:
    """Stop the stack."""
    return bring_down(parsed.stack, purge=parsed.purge)


def bring_down(stack: str, *, purge: bool, patience_s: float = 0) -> int:
    """Destroy the stack's resources; does nothing where there is none.

    Waits `patience_s` for another pulumi that changes it at this moment; raises WorkspaceError where it goes on.
    """
    if not workspace.exists(stack):
        print(f"there is no stack {stack}; nothing to do")
        return 0
    settings = stack_settings(stack)
    containers = settings.target == "docker"
    with workspace.stack(stack, patience_s=patience_s):
        if containers:
            running.remove_forgotten(settings)
        if containers and purge:  # its volumes are protected from anything less
            workspace.ask_pulumi("state", "unprotect", "--all", "--yes", "-s", stack)
        kept = ("--exclude-protected",) if containers and not purge else ()
        status = workspace.pulumi("destroy", "--yes", "--skip-preview", *kept, "-s", stack)
        if status:
            return status
        paths = StackPaths.of(stack)
        supervisor.stop(paths)  # also what a killed `up` started and Pulumi does not know of
        if purge:
            if containers:
                running.remove_volumes(stack, settings.docker_host)
            workspace.ask_pulumi("stack", "rm", "--yes", "--preserve-config", stack)
            for folder in (paths.root, rollouts_folder(stack)):
                shutil.rmtree(folder, ignore_errors=True)
    where = "its volumes" if containers else paths.root
    print(f"stack {stack} is down" + ("" if purge else f"; its data stays in {where}"))
    return 0
