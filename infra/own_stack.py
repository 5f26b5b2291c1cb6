"""A stack brought up for a run of faults, load or benchmarks, so that nothing that anybody relies on is harmed."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from infra.commands import down, up
from infra.free_ports import free_offset
from infra.settings import PROJECT_ROOT
from infra.stack_settings import own_settings, stack_file
from infra.targets.local.paths import data_directory

REQUESTS_A_MINUTE = 600_000  # of a consumer at the gateway: more than any load; the limiter counts every request
INBOX = "inbox"
"""A collection whose folder is empty at the beginning; `docs` is the other one, with the sample documents."""

PATIENCE_S = 60.0  # with the last `pulumi up` of a rollout whose engine was killed

Settings = Mapping[str, Any]
"""Stack settings by their names in Pulumi.yaml, beyond those that make it a stack of its own."""


class OwnStackError(RuntimeError):
    """The stack does not come up; what Pulumi said stands above."""


def documents(stack: str) -> Path:
    """Where the collections of an own stack have their folders."""
    return data_directory() / f"{stack}-documents"


@contextmanager
def standing(stack: str, settings: Settings) -> Iterator[None]:
    """The stack is up inside the block, and gone after it, also when this process is killed: another one sees to it."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "infra.own_stack", stack], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        bring_up(stack, settings)
        yield
    finally:
        keeper.communicate()  # its input ends


def bring_up(stack: str, settings: Settings) -> None:
    """Bring the stack up, on ports of its own unless it has some, with fresh copies of the sample documents."""
    root = documents(stack)
    shutil.rmtree(root, ignore_errors=True)
    (root / INBOX).mkdir(parents=True)
    shutil.copytree(PROJECT_ROOT / "docs", root / "docs")
    collections = json.loads((PROJECT_ROOT / "collections-config.json").read_text())
    collections["collections"].append({**collections["collections"][0], "name": INBOX, "directory": INBOX})
    (root / "collections-config.json").write_text(json.dumps(collections))
    stack_file(stack).write_text(yaml.safe_dump({"config": _config(stack, settings)}))
    if up.run(argparse.Namespace(stack=stack, offset=None, repair=False, offline=False)):
        raise OwnStackError(f"stack {stack} did not come up")


def take_down(stack: str) -> None:
    """Stop the stack and delete its data, its documents and its settings."""
    down.bring_down(stack, purge=True, patience_s=PATIENCE_S)
    shutil.rmtree(documents(stack), ignore_errors=True)
    stack_file(stack).unlink(missing_ok=True)


def main() -> None:
    """Take the stack down when this process's input ends, as it does however whoever began it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run; this cleans up after it
    sys.stdin.read()
    take_down(sys.argv[1])


def _config(stack: str, settings: Settings) -> dict[str, Any]:
    root = documents(stack)
    own = {
        "portOffset": own_settings(stack).get("portOffset") or free_offset(),
        "collectionsFile": str(root / "collections-config.json"),
        "dataRoot": str(root),
        "docsRoot": str(root / "docs"),
        "rateLimitMinute": REQUESTS_A_MINUTE,
        "rateLimitHour": 60 * REQUESTS_A_MINUTE,
    }
    return {f"breakwater:{key}": value for key, value in {**own, **settings}.items()}


if __name__ == "__main__":
    main()
