"""Give a running stack a new secret: no request is refused, and processes are not restarted.

--what service (the default): the secret that the services show one another. Three steps, each after a proof:
  1. every service accepts the old and the new one;
  2. every service sends the new one, and nobody has shown the old one for some seconds;
  3. the old one is refused.

--what tokens: the secrets that sign the tokens of the gateway's consumers. Only their owners can tell when they have
the new ones, so it takes two runs:
  breakwater rotate --what tokens             tokens of the old and the new secret pass; hand out the new ones, which
                                              `pulumi stack output secrets --show-secrets` prints
  breakwater rotate --what tokens --retire    tokens of the old secret are refused

A rotation that stops, for whatever reason, leaves both secrets accepted; run the same command again to go on.
docs/rotation.md tells what to do when a secret has leaked, and how the database's password is changed.
"""

import argparse
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from infra import workspace
from infra.gateway.tokens import secret_name
from infra.gateway_users import GatewayUsers
from infra.rotation import RotationError, Users, replace, retire
from infra.secret import VARIABLE, SecretState, Step
from infra.service_users import RolledServices, ServiceUsers
from infra.targets.local.paths import StackPaths
from infra.targets.secret_resource import secret_state


class PulumiStack:
    """The secrets in Pulumi's state, from where an update hands them out."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self) -> dict[str, SecretState]:
        return {
            name: secret_state(properties)
            for (kind, name), properties in workspace.resources(self._name).items()
            if kind.endswith("local:Secret")
        }

    def take(self, steps: Mapping[str, Step]) -> None:
        workspace.ask_pulumi(
            *("up", "--yes", "--skip-preview", "--refresh=false", "--suppress-outputs", "-s", self._name),
            variables={VARIABLE: json.dumps(dict(steps))},
        )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which secret, and how far."""
    parser.add_argument("--what", choices=tuple(USERS), default="service", help="which secret (default: service)")
    parser.add_argument(
        "--retire",
        action="store_true",
        help="only refuse the old secret where a new one is in use, whoever uses the old one still",
    )


def run(parsed: argparse.Namespace) -> int:
    """Rotate, one line for each proof."""
    if not workspace.exists(parsed.stack):
        raise workspace.WorkspaceError(f"there is no stack {parsed.stack}; `make up` makes it")
    paths = StackPaths.of(parsed.stack)
    paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    outputs = workspace.outputs(parsed.stack)
    if "gateway" not in outputs:
        raise workspace.WorkspaceError(f"stack {parsed.stack} is not up; `make up` starts it")
    with workspace.stack(parsed.stack), _alone(paths.root):
        stack, users, tell = PulumiStack(parsed.stack), USERS[parsed.what](outputs, paths), _teller()
        if not parsed.retire:
            replace(stack, users, tell)
        if parsed.retire or parsed.what == "service":
            retire(stack, users, tell, at_once=parsed.retire)
        else:
            print(
                "Tokens of both secrets pass. Hand out the new ones; when nobody signs with the old ones any more:\n"
                "  breakwater rotate --what tokens --retire"
            )
    return 0


def _service_users(outputs: Mapping[str, Any], paths: StackPaths) -> dict[str, Users]:
    if outputs.get("target") == "docker":
        return {"interServiceSecret": RolledServices()}
    programs = [json.loads(path.read_text()) for path in sorted((paths.root / "run").glob("*/program.json"))]
    services = [program for program in programs if "INTER_SERVICE_SECRET_FILE" in program["environment"]]
    return {"interServiceSecret": ServiceUsers({s["component"]: int(s["health"]["port"]) for s in services})}


def _gateway_users(outputs: Mapping[str, Any], _paths: StackPaths) -> dict[str, Users]:
    return {secret_name(consumer): GatewayUsers(outputs["gateway"], consumer) for consumer in outputs["consumers"]}


USERS: dict[str, Callable[[Mapping[str, Any], StackPaths], dict[str, Users]]] = {
    "service": _service_users,
    "tokens": _gateway_users,
}
"""From a stack's outputs and files to those who use each secret that `--what` means."""


def _teller() -> Callable[[str], None]:
    console, began = Console(highlight=False), time.monotonic()
    return lambda claim: console.print(f"{time.monotonic() - began:5.1f} s  {claim}", markup=False)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One rotation of a stack at a time; freed even by a kill. The lock is on the folder, so it leaves no file."""
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RotationError("another rotation of this stack is under way; wait for it") from None
    else:
        yield
    finally:
        os.close(folder)
