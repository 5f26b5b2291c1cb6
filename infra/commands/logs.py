"""Show a component's log, or with -f follow it; without a component, the end of every log."""

import argparse
import subprocess

from infra.stack_settings import stack_settings
from infra.targets.docker import running
from infra.targets.local.paths import StackPaths
from infra.workspace import WorkspaceError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which log, and how much of it."""
    parser.add_argument("component", nargs="?", help="a component's name, such as query (default: all)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as the log grows, until Ctrl-C")
    parser.add_argument("-n", "--lines", type=int, default=50, help="lines of each log (default: 50)")


def run(parsed: argparse.Namespace) -> int:
    """Print the end of the logs."""
    settings = stack_settings(parsed.stack)
    if settings.target == "docker":
        running.show_logs(
            parsed.stack, settings.docker_host, parsed.component, lines=parsed.lines, follow=parsed.follow
        )
        return 0
    folder = StackPaths.of(parsed.stack).log("x").parent
    there = sorted(path.stem for path in folder.glob("*.log"))
    if not there:
        raise WorkspaceError(f"stack {parsed.stack} has no logs; `make up` starts it")
    if parsed.component and parsed.component not in there:
        raise WorkspaceError(f"no log of {parsed.component!r}; there are {', '.join(there)}")
    names = [parsed.component] if parsed.component else there
    command = ["tail", "-n", str(parsed.lines), *(["-F"] if parsed.follow else [])]
    return subprocess.run([*command, *(str(folder / f"{name}.log") for name in names)], check=False).returncode
