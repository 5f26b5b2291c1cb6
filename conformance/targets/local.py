"""The local target: processes under their supervisor."""

import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from conformance.check import NonconformingError
from infra.targets.local import supervisor
from infra.targets.local.paths import StackPaths


def restart(outputs: Mapping[str, Any], component: str) -> None:
    """Have the supervisor stop the component, wait for its end, and start it."""
    paths = StackPaths(Path(outputs["root"]))
    try:
        try:
            supervisor.call(paths, "stopProcess", component)
        finally:  # also when it is interrupted meanwhile
            supervisor.call(paths, "startProcess", component)
    except (OSError, xmlrpc.client.Error) as error:
        raise NonconformingError(f"the supervisor does not restart {component}: {error}") from None


def listening(outputs: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Where the supervisor's processes and their children listen."""
    found: set[tuple[str, int]] = set()
    for pid in supervisor.pids(StackPaths(Path(outputs["root"]))).values():
        with suppress(psutil.NoSuchProcess):
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                sockets = process.net_connections("inet")
                found |= {(one.laddr.ip, one.laddr.port) for one in sockets if one.status == psutil.CONN_LISTEN}
    return found
