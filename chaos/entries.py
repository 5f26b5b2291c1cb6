"""The ledger's entries: a file for each fault, written before it is injected and removed when it is healed."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from chaos import faults
from chaos.process import Process
from chaos.stack import Stack
from infra import durable

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Between attempts to heal: a killed Toxiproxy or Redis is back within two seconds."""


@dataclass(frozen=True)
class Entry:
    """A fault that may be in force, and who answers for it until when."""

    fault: dict[str, Any]  # as `chaos.faults.to_json` says it
    saved: dict[str, Any]
    runner: Process
    lease_until: float  # seconds since 1970

    @property
    def held(self) -> bool:
        """Whether its runner lives and has time left; anybody else must leave it alone."""
        return self.runner.alive and time.time() < self.lease_until


ENTRY = TypeAdapter(Entry)


@contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """Let one process or thread at a time inject or heal; freed even by a kill. Not to be nested."""
    stack.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (stack.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(stack: Stack, entry: Entry) -> Path:
    """Note, durably, that the fault may be in force from now on; returns the entry's file."""
    stack.save()
    path = stack.folder / "ledger" / f"{time.time_ns()}.json"
    durable.write(path, ENTRY.dump_json(entry, indent=1).decode())
    return path


def read(path: Path) -> Entry:
    """The entry in the file; raises OSError or pydantic's ValidationError."""
    return ENTRY.validate_json(path.read_bytes())


def files(stack: Stack) -> list[Path]:
    """The entries' files, the newest first: faults are healed in the order opposite to their injection's."""
    return sorted((stack.folder / "ledger").glob("*.json"), reverse=True)


def heal(stack: Stack, path: Path) -> str | None:
    """Heal the entry's fault and remove the entry. Returns None, or after the last attempt what is in the way.

    An entry whose fault cannot be healed stays, and nobody holds it any more. Call it while `locked`.
    """
    problem = _attempt(stack, path)
    for pause in PAUSES_S:
        if problem is None:
            return None
        time.sleep(pause)
        problem = _attempt(stack, path)
    if problem is not None:
        _release(path)
    return problem


def _attempt(stack: Stack, path: Path) -> str | None:
    try:
        entry = read(path)
        faults.from_json(entry.fault).heal(stack, entry.saved)
        durable.remove(path)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one fault, the others are healed too
        return f"{path.name}: {error!r}"
    return None


def _release(path: Path) -> None:
    try:
        durable.write(path, ENTRY.dump_json(replace(read(path), lease_until=0.0), indent=1).decode())
    except (OSError, ValueError):  # it cannot be read, so nobody holds it
        return
