"""Print what prepares a shell for `pulumi`: use it as eval "$(make env)"."""

import argparse
import shlex

from infra import workspace


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(parsed: argparse.Namespace) -> int:
    """Print one `export` for each variable, after making sure that the stack exists."""
    with workspace.stack(parsed.stack):
        for name, value in workspace.environment().items():
            print(f"export {name}={shlex.quote(value)}")
    return 0
